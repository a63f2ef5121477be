"""A TLS front before the local AWS, for verifiers that accept only https. Its certificate is made at run time."""

import contextlib
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local_aws import request, run

SECONDS_FOR_A_KEY = 30


@contextlib.contextmanager
def tls_front(port, scratch):
    """Passes GET requests to the local AWS for the duration of the block. Returns its URL and its certificate."""
    certificate, key = scratch / "front.pem", scratch / "front-key.pem"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out",
         str(certificate)], SECONDS_FOR_A_KEY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(port))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", certificate
    finally:
        server.shutdown()
        server.server_close()


def handler(port):
    class Front(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, text = request(port, "GET", self.path, f"127.0.0.1:{port}")
            self.send_response(status)
            self.send_header("Content-Type", headers["Content-Type"])
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            """Prints nothing."""

    return Front
