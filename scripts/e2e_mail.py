"""Steps of `make e2e` about emails that cannot be sent: they wait in a queue, and none of them holds up others."""

import json
import time
from urllib.parse import quote

from e2e_account import DONE
from e2e_links import ACCEPTED
from local_aws import Failure, free_port, request, step

SECONDS_TO_QUEUE = 60
POISONED = "poisoned"


class Delivery:
    """The function `mailer` and its queues.

    All of it is the local AWS's own: the table's stream with its filter, the queues, their redrive, and the mappings that
    start the function. One thing is missing there: it does not repeat records of the stream that the function returns
    as failed. `mailer` returns some only if the queue fails too; functions/mailer/src/tests.rs tests that.
    """

    def __init__(self, site, ids):
        self.site, self.ids = site, ids
        self.functions, self.queues = (site.stack.client(name) for name in ("lambda", "sqs"))
        # The template's are minutes and days.
        self.set_queue(DelaySeconds="0", VisibilityTimeout="3")

    def check(self):
        self.outage()
        self.poison()
        self.retry()

    def set_queue(self, **attributes):
        self.queues.set_queue_attributes(QueueUrl=self.ids["AskQueue"], Attributes=attributes)

    def give_up_early(self):
        """Makes the queue give up an email after two attempts instead of three days."""
        attributes = self.queues.get_queue_attributes(QueueUrl=self.ids["AskQueue"], AttributeNames=["RedrivePolicy"])["Attributes"]
        self.set_queue(RedrivePolicy=json.dumps(json.loads(attributes["RedrivePolicy"]) | {"maxReceiveCount": 2}))

    def stop_ses(self):
        """Points `mailer` at an endpoint of SES that refuses connections."""
        self.set_endpoint({"AWS_ENDPOINT_URL_SESV2": f"http://127.0.0.1:{free_port()}"})

    def start_ses(self):
        self.set_endpoint({})

    def set_endpoint(self, added):
        name = self.ids["MailerFunction"]
        variables = self.functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        variables.pop("AWS_ENDPOINT_URL_SESV2", None)
        self.functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables | added})
        version = self.functions.publish_version(FunctionName=name)["Version"]
        self.functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def messages(self, queue):
        """Returns the asks in a queue, and how often each was received."""
        path = f"/_ministack/sqs/messages?QueueUrl={quote(self.ids[queue], safe='')}"
        shown = json.loads(request(self.site.stack.port, "GET", path, "localhost")[2])["messages"]
        return {one["Body"]: one["ReceiveCount"] for regions in shown.values() for queues in regions.values()
                for messages in queues.values() for one in messages}

    def wait(self, what, holds):
        """Waits until a condition about the queues holds."""
        deadline = time.monotonic() + SECONDS_TO_QUEUE
        while not holds():
            if time.monotonic() > deadline:
                queues = {name: self.messages(name) for name in ("AskQueue", "UnsentAsks")}
                raise Failure(f"{what}: not within {SECONDS_TO_QUEUE} seconds, {queues}")
            time.sleep(0.2)
        self.site.checks.that(what, True)

    def ask(self, name):
        """Adds a user who has forgotten the password."""
        user = self.site.add_user(name)
        self.site.expect("forgot does not show whether emails can be sent",
                         self.site.api.post("password/forgot", {"email": user.email}), ACCEPTED)
        return user

    def check_mail(self, user, name):
        """Checks that an email arrives and its link works."""
        site, new = self.site, self.site.new_password()
        mail = site.mail(user.email, "reset", has_link=True, name=name)
        site.use(mail, [new], name, [DONE])
        site.mail(user.email, "password-changed", name=f"{name}-changed")
        site.log_in(user.email, new)

    def outage(self):
        step("SES is down, and works again")
        self.stop_ses()
        user = self.ask("olga.poe")
        self.wait("the email waits in the queue, and is tried again", lambda: max(self.messages("AskQueue").values(), default=0) > 1)
        self.site.expect("no email was sent", len(self.site.mailbox.new()), 0)
        self.start_ses()
        self.check_mail(user, "late")
        self.wait("the queue is empty", lambda: not self.messages("AskQueue"))
        self.site.expect("no email was given up", self.messages("UnsentAsks"), {})

    def poison(self):
        step("an ask that cannot be read")
        self.give_up_early()
        item = {"pk": {"S": f"ask#{POISONED}"}, "email": {"S": "anyone@example.com"}, "expires_at": {"N": str(int(time.time()) + 3600)}}
        self.site.stack.client("dynamodb").put_item(TableName=self.ids["AuthTable"], Item=item)
        self.check_mail(self.ask("otto.poe"), "next")
        self.wait("it ends in the queue of unsent asks", lambda: POISONED in self.messages("UnsentAsks"))
        self.site.expect("and in no other", self.messages("AskQueue"), {})

    def retry(self):
        step("SES is down for too long, and an operator tries again")
        self.stop_ses()
        user = self.ask("olaf.poe")
        self.wait("the email is given up, too", lambda: len(self.messages("UnsentAsks")) == 2)
        self.start_ses()
        self.site.expect("no email was sent", len(self.site.mailbox.new()), 0)
        printed = json.loads(self.site.stack.authctl("--json", "mail", "retry"))
        self.site.expect("authctl mail retry tries both unsent asks again", printed, {"retried": 2})
        self.check_mail(user, "retried")
