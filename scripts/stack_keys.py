"""The keys of access tokens of a deployed stack, as a test reads and edits them, and the function that changes them."""

import json
import time
import uuid

from local_aws import Failure

HOUR = 3600
ITEM = {"pk": {"S": "keys#access-tokens"}}
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class StackKeys:
    """Both sets of keys of a stack."""

    def __init__(self, client, ids):
        self.secrets = client("secretsmanager")
        self.dynamodb = client("dynamodb")
        self.functions = client("lambda")
        self.table, self.secret, self.function = ids["AuthTable"], ids["JwtKeys"], ids["KeysFunction"]

    def ring(self):
        """Returns the private set."""
        return json.loads(self.secrets.get_secret_value(SecretId=self.secret)["SecretString"])

    def kids(self):
        """Returns the kids of the key that signs and of the next one."""
        return [key["kid"] for key in self.ring()["keys"]]

    def item(self):
        """Returns the item of the published keys."""
        return self.dynamodb.get_item(TableName=self.table, Key=ITEM, ConsistentRead=True)["Item"]

    def restore(self, item):
        """Puts an earlier item back, as a restored table has it."""
        self.dynamodb.put_item(TableName=self.table, Item=item)

    def published(self):
        return json.loads(self.item()["key_set"]["S"])["keys"]

    def seconds_left(self, kid):
        """Returns how long a key that no longer signs stays public."""
        return next(key["until"] for key in self.published() if key["kid"] == kid) - int(time.time())

    def age(self, seconds):
        """Makes the published keys older, as if time had passed: both what they have been public for and what is left
        until they retire.

        The clocks of the functions are not moved: their requests to the local AWS would have signatures of another
        time, which it refuses. What a process has cached does not age, so new processes must follow.
        """
        item, keys = self.item(), self.published()
        for key in keys:
            key["published_at"] -= seconds
            if "until" in key:
                key["until"] -= seconds
        item["key_set"] = {"S": json.dumps({"keys": keys})}
        item["version"] = {"N": str(int(item["version"]["N"]) + 1)}
        self.restore(item)

    def invoke(self, event):
        """Calls the function `keys`. Returns its result, and whether it is an error."""
        response = self.functions.invoke(FunctionName=self.function, Payload=json.dumps(event))
        return json.load(response["Payload"]), "FunctionError" in response

    def step(self, name, token):
        """Calls the function as Secrets Manager does in a step of a rotation. The local AWS has no rotations."""
        arn = self.secrets.describe_secret(SecretId=self.secret)["ARN"]
        return self.invoke({"Step": name, "SecretId": arn, "ClientRequestToken": token})

    def rotate(self, between):
        """Rotates in the four steps, and calls `between` after each."""
        token = str(uuid.uuid4())
        for name in STEPS:
            result, failed = self.step(name, token)
            if failed:
                raise Failure(f"{name} failed: {result}")
            between()
