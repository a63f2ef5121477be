// Shows the contract next to this page, and authorizes requests with the token of the last login or refresh.
"use strict";

const ISSUES_TOKENS = /\/api\/v1\/(login|refresh)$/;

const ui = SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#page",
  deepLinking: true,
  tryItOutEnabled: true,
  // By default, the page would ask a server on the internet to check the contract.
  validatorUrl: null,
  // A token lives as long as the page: it is never stored.
  persistAuthorization: false,
  responseInterceptor: (response) => {
    const token = ISSUES_TOKENS.test(response.url) && response.ok && response.obj?.access_token;
    if (token) {
      ui.preauthorizeApiKey("bearer", token);
    }
    return response;
  },
});
