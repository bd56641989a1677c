using System;
using System.Threading;

namespace ZeroBuffer.Tests
{
    /// <summary>Requests and responses.</summary>
    internal static class DuplexTests
    {
        private static readonly BufferConfig Config = new BufferConfig(64, 4096);

        [Case]
        private static void EachResponseAnswersItsRequest()
        {
            var name = Scratch.Name();
            using (var server = Echo(name))
            {
                for (var round = 0; round < 2; round++)
                {
                    using (var client = new DuplexClient(name, Config))
                    {
                        foreach (var size in new[] { 1, 500, 1000 })
                        {
                            client.Send(Scratch.Ramp(size), Scratch.Patience);
                        }

                        foreach (var size in new[] { 1, 500, 1000 })
                        {
                            using (var response = client.Receive(Scratch.Patience))
                            {
                                Expect.SameBytes(Scratch.Ramp(size), response.Data.ToArray(), "a response");
                            }
                        }

                        using (var slot = client.Acquire(7, Scratch.Patience))
                        {
                            slot.Put(0, Scratch.Ramp(7), 0, 7);
                            slot.Commit();
                        }

                        client.Receive(Scratch.Patience).Release();
                        client.Request(Scratch.Ramp(20), Scratch.Patience).Release();
                    }
                }

                Expect.That(server.LastError == null, $"{server.LastError}");
            }
        }

        [Case]
        private static void ARequestThatTimesOutDoesNotGetInTheWayOfTheNext()
        {
            var name = Scratch.Name();
            using (var gate = new ManualResetEvent(false))
            using (var server = new DuplexServer(name, Config))
            using (var client = new DuplexClient(name, Config))
            {
                server.Start(
                    request =>
                    {
                        gate.WaitOne();
                        return request.Data.ToArray();
                    });
                Expect.Throws<FrameTimeoutException>(
                    () => client.Request(Scratch.Ramp(10), TimeSpan.FromMilliseconds(30)));
                gate.Set();
                using (var response = client.Request(Scratch.Ramp(20), Scratch.Patience))
                {
                    Expect.Equal(20, response.Size, "the response to the second request");
                }

                client.Send(Scratch.Ramp(1), Scratch.Patience);
                Expect.Throws<BusyException>(() => client.Request(Scratch.Ramp(1), Scratch.Patience));
                client.Receive(Scratch.Patience).Release();
            }
        }

        [Case]
        private static void AHandlerThatFailsCostsItsClientThatResponseAlone()
        {
            var name = Scratch.Name();
            using (var server = new DuplexServer(name, Config))
            {
                server.Start(AnswerOrFail);
                using (var client = new DuplexClient(name, Config))
                {
                    foreach (var size in new[] { 13, 10, 14, 15, 20 })
                    {
                        client.Send(Scratch.Ramp(size), Scratch.Patience);
                    }

                    ExpectFailure(client, 1, "no 13");
                    client.Receive(Scratch.Patience).Release();
                    ExpectFailure(client, 3, "frame size says 0");
                    ExpectFailure(client, 4, "cannot fit");
                    Expect.That(server.LastError is FrameTooLargeException, $"{server.LastError}");
                    using (var response = client.Receive(Scratch.Patience))
                    {
                        Expect.SameBytes(Scratch.Ramp(20), response.Data.ToArray(), "the response after the failures");
                    }
                }

                // Where no text fits.
                using (var client = new DuplexClient(name, new BufferConfig(0, 64)))
                {
                    client.Send(Scratch.Ramp(13), Scratch.Patience);
                    ExpectFailure(client, 1, "its handler failed");
                    client.Request(Scratch.Ramp(10), Scratch.Patience).Release();
                }
            }
        }

        [Case]
        private static unsafe void AHandlerThatFailsEndsTheChannelOfAForeignClient()
        {
            var name = Scratch.Name();
            using (var server = new DuplexServer(name, Config))
            {
                server.Start(AnswerOrFail);
                using (var requests = new Writer(DuplexNames.Request(name)))
                using (var responses = new Reader(DuplexNames.Response(name), Config))
                {
                    Foreign.Poke(&responses.Segment.Ring.Block->Reserved.Released, 0);
                    requests.Write(Scratch.Ramp(13), Scratch.Patience);
                    requests.Write(Scratch.Ramp(10), Scratch.Patience);
                    Expect.Throws<WriterDeadException>(() => responses.Read(Scratch.Patience));
                }

                Expect.Equal("no 13", server.LastError.Message);
                using (var client = new DuplexClient(name, Config))
                using (var response = client.Request(Scratch.Ramp(10), Scratch.Patience))
                {
                    Expect.Equal(10, response.Size);
                }
            }
        }

        [Case]
        private static void AResponseThatIsAlmostAFailureIsNone()
        {
            using (var reader = new Reader(Scratch.Name(), new BufferConfig(0, 1024)))
            using (var writer = new Writer(reader.Name))
            {
                var mark = HandlerFailure.Encode("", 100);
                for (var wrong = 0; wrong <= mark.Length; wrong++)
                {
                    var response = HandlerFailure.Encode("why", 100);
                    response[wrong] ^= 1;
                    writer.Write(response, Scratch.Patience);
                    using (var frame = reader.Read(Scratch.Patience))
                    {
                        Expect.Equal(wrong < mark.Length ? null : "vhy", HandlerFailure.TextOf(frame), "a wrong byte");
                    }
                }
            }
        }

        [Case]
        private static void AForeignClientThatSendsAtOnceIsAnswered()
        {
            var name = Scratch.Name();
            using (var server = Echo(name))
            using (var responses = new Reader(DuplexNames.Response(name), Config))
            using (var client = new Foreign((Reader)Foreign.Field(server, "requests"), (ulong)Libc.getpid()))
            {
                client.Write(20, 1, true);
                responses.Read(Scratch.Patience).Release();
            }
        }

        [Case]
        private static void AResponseReachesOnlyTheClientThatAsked()
        {
            var name = Scratch.Name();
            using (var asked = new ManualResetEvent(false))
            using (var replaced = new ManualResetEvent(false))
            using (var server = new DuplexServer(name, Config))
            {
                server.Start(
                    request =>
                    {
                        asked.Set();
                        replaced.WaitOne(Scratch.Patience);
                        return request.Data.ToArray();
                    });
                using (var requests = new Writer(DuplexNames.Request(name)))
                {
                    requests.Write(Scratch.Ramp(10), Scratch.Patience);
                    Expect.That(asked.WaitOne(Scratch.Patience), "the handler was not called");
                }

                // The first response buffer that the server finds belongs to the next client, of the same process.
                using (var client = new DuplexClient(name, Config))
                {
                    client.Send(Scratch.Ramp(20), Scratch.Patience);
                    replaced.Set();
                    using (var response = client.Receive(Scratch.Patience))
                    {
                        Expect.Equal(20, response.Size);
                    }
                }
            }
        }

        [Case]
        private static void AServerThatClosesIsNoticed()
        {
            var name = Scratch.Name();
            var server = new DuplexServer(name, Config);
            using (var client = new DuplexClient(name, Config))
            {
                server.Close();
                Expect.Throws<ReaderDeadException>(() => client.Receive(Scratch.Patience));
                Expect.Throws<BufferClosedException>(() => server.Start(request => new byte[1]));
            }

            Expect.Throws<BufferNotFoundException>(() => new DuplexClient(name, Config));
        }

        [Case]
        private static void AClientThatTakesNothingDoesNotHoldAClosingServer()
        {
            var name = Scratch.Name();
            using (var server = Echo(name))
            using (var client = new DuplexClient(name, new BufferConfig(0, 64)))
            {
                for (var number = 0; number < 3; number++)
                {
                    client.Send(Scratch.Ramp(40), Scratch.Patience);
                }

                var thread = new Thread(server.Close);
                thread.Start();
                Expect.That(thread.Join(Scratch.Patience), "the server hangs");
            }
        }

        private static byte[] AnswerOrFail(Frame request)
        {
            switch (request.Size)
            {
                case 13:
                    throw new FailureException("no 13");
                case 14:
                    return null;
                case 15:
                    return new byte[5000];
                default:
                    return request.Data.ToArray();
            }
        }

        private static void ExpectFailure(DuplexClient client, ulong request, string reason)
        {
            var failure = Expect.Throws<HandlerException>(() => client.Receive(Scratch.Patience));
            Expect.Equal(request, failure.Values["request"]);
            Expect.That(((string)failure.Values["reason"]).Contains(reason), failure.Message);
        }

        private static DuplexServer Echo(string name)
        {
            var server = new DuplexServer(name, Config);
            server.Start(request => request.Data.ToArray());
            Expect.Throws<BusyException>(() => server.Start(request => new byte[1]));
            return server;
        }
    }
}
