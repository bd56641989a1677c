"""What the sentences of features/ mean."""

from harmony import Duration, ExpectedErrors, SharedValues, expect_equal, parsers, step, then, until

from .contract import KeyValue

ROLE = "the '[^']+' process"


class KeyValueSteps:
    """One of these for each role in each scenario."""

    def __init__(self, driver: KeyValue, values: SharedValues, errors: ExpectedErrors) -> None:
        self._driver = driver
        self._values = values
        self._errors = errors

    @step(parsers.re(rf"{ROLE} listens"))
    async def listens(self) -> None:
        """Tell the others the port, which nobody can know before."""
        self._values.publish("port", await self._driver.listen())

    @step(parsers.re(rf"{ROLE} connects to '(?P<listener>[^']+)'"))
    async def connects(self, listener: str) -> None:
        """Connect to where another role listens."""
        await self._driver.connect(self._values.of(listener, "port", int))

    @step(parsers.re(rf"{ROLE} sets '(?P<key>[^']+)' to '(?P<value>[^']+)'"))
    async def sets(self, key: str, value: str) -> None:
        """Set a value."""
        await self._driver.set(key, value)

    @step(parsers.re(rf"{ROLE} deletes '(?P<key>[^']+)'"))
    async def deletes(self, key: str) -> None:
        """Have a key forgotten."""
        await self._driver.delete(key)

    @step(parsers.re(rf"{ROLE} lets '(?P<key>[^']+)' expire after '(?P<time>[^']+)'"))
    async def lets_expire(self, key: str, time: Duration) -> None:
        """Have a key forgotten after a time."""
        await self._driver.expire(key, round(1000 * time))

    @step(parsers.re(rf"{ROLE} watches '(?P<key>[^']+)'"))
    async def watches(self, key: str) -> None:
        """Be told of changes from now on."""
        await self._driver.watch(key)

    @step(parsers.re(rf"{ROLE} tries to get '(?P<key>[^']+)'"))
    async def tries_to_get(self, key: str) -> None:
        """Keep what is refused for the sentence that expects it."""
        with self._errors.capture():
            await self._driver.get(key)

    @step(parsers.re(rf"{ROLE} tries to let '(?P<key>[^']+)' expire"))
    async def tries_to_let_expire(self, key: str) -> None:
        """Keep what is refused for the sentence that expects it."""
        with self._errors.capture():
            await self._driver.expire(key, 1000)

    @then(parsers.re(rf"{ROLE} should get '(?P<value>[^']+)' for '(?P<key>[^']+)'"))
    async def should_get(self, key: str, value: str) -> None:
        """Compare a value with the one expected."""
        expect_equal(value, await self._driver.get(key), f"the value of {key!r}")

    @then(parsers.re(rf"{ROLE} should get nothing for '(?P<key>[^']+)'"))
    async def should_get_nothing(self, key: str) -> None:
        """See that there is no value."""
        expect_equal(None, await self._driver.get(key), f"the value of {key!r}")

    @then(parsers.re(rf"{ROLE} should find '(?P<key>[^']+)' gone within '(?P<time>[^']+)'"))
    async def should_find_gone(self, key: str, time: Duration) -> None:
        """Look until the value is no more."""

        async def gone() -> bool:
            return await self._driver.get(key) is None

        await until(gone, timeout=time, what=f"{key!r} is gone")

    @then(parsers.re(rf"{ROLE} should see '(?P<value>[^']+)'"))
    async def should_see(self, value: str) -> None:
        """Wait for the next change, to a value."""
        expect_equal(value, await self._driver.change(), "the next value")

    @then(parsers.re(rf"{ROLE} should see nothing there"))
    async def should_see_nothing(self) -> None:
        """Wait for the next change, to nothing."""
        expect_equal(None, await self._driver.change(), "the next value")

    @then(parsers.re(rf"{ROLE} should be told '(?P<code>[^']+)'"))
    def should_be_told(self, code: str) -> None:
        """Compare codes, never texts."""
        self._errors.take(code)
