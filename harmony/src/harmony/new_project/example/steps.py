"""What the sentences of features/ mean: each goes to the role that it names, and asks the driver of that role.

`@step` stands under Given, When and Then alike, `@then` under Then alone. `harmony scaffold` writes what is missing.
"""

from harmony import ExpectedErrors, SharedValues, expect_equal, parsers, step, then

from .contract import KeyValue

# How your sentences name a role.
ROLE = "the '[^']+' process"


class KeyValueSteps:
    """One of these for each role in each scenario: keep here what a later sentence needs."""

    def __init__(
        self,
        driver: KeyValue,
        values: SharedValues,
        errors: ExpectedErrors,
    ) -> None:
        self._driver = driver
        self._values = values
        self._errors = errors

    @step(parsers.re(rf"{ROLE} listens"))
    async def listens(self) -> None:
        """Tell the others the port, which nobody can know before: roles share nothing but such values."""
        self._values.publish("port", await self._driver.listen())

    @step(parsers.re(rf"{ROLE} connects to '(?P<listener>[^']+)'"))
    async def connects(self, listener: str) -> None:
        """Connect to where another role listens."""
        await self._driver.connect(self._values.of(listener, "port", int))

    @step(parsers.re(rf"{ROLE} sets '(?P<key>[^']+)' to '(?P<value>[^']+)'"))
    async def sets(self, key: str, value: str) -> None:
        """Set a value; what a driver refuses here fails the step."""
        await self._driver.set(key, value)

    @then(parsers.re(rf"{ROLE} should get '(?P<value>[^']+)' for '(?P<key>[^']+)'"))
    async def should_get(self, key: str, value: str) -> None:
        """Compare a value with the one expected."""
        expect_equal(value, await self._driver.get(key), f"the value of {key!r}")

    @then(parsers.re(rf"{ROLE} should get nothing for '(?P<key>[^']+)'"))
    async def should_get_nothing(self, key: str) -> None:
        """See that there is no value."""
        expect_equal(None, await self._driver.get(key), f"the value of {key!r}")

    @step(parsers.re(rf"{ROLE} tries to get '(?P<key>[^']+)'"))
    async def tries_to_get(self, key: str) -> None:
        """Keep what the driver refuses for the sentence that expects it."""
        with self._errors.capture():
            await self._driver.get(key)

    @then(parsers.re(rf"{ROLE} should be told '(?P<code>[^']+)'"))
    def should_be_told(self, code: str) -> None:
        """Compare codes, never texts: those are each language's own."""
        self._errors.take(code)
