using System.Collections.Generic;
using System.Text;
using System.Threading;
using ZeroBuffer.Driver;

namespace ZeroBuffer.Tests
{
    /// <summary>The driver without its streams.</summary>
    internal static class DispatcherTests
    {
        [Case]
        private static void ItsEndTakesBackWhatIsJustBeingOpened()
        {
            for (var round = 0; round < 30; round++)
            {
                var answered = new CountdownEvent(3);
                var dispatcher = new Dispatcher(answer => answered.Signal());
                foreach (var verb in new[] { "create", "serve", "create" })
                {
                    dispatcher.Take(Message(verb, Scratch.Name(), 5));
                }

                // The program ends right behind this: what is not gone now stays.
                dispatcher.End();
                var left = Scratch.LeftBehind();
                Expect.That(answered.Wait(Scratch.Patience), "a request was not answered");
                Expect.That(left.Count == 0, "left behind: " + string.Join(", ", left));
            }
        }

        [Case]
        private static void ItsEndDoesNotWaitForWhatHasNotCome()
        {
            using (var answered = new ManualResetEvent(false))
            {
                string answer = null;
                var dispatcher = new Dispatcher(
                    text =>
                    {
                        answer = text;
                        answered.Set();
                    });
                dispatcher.Take(Message("dial", Scratch.Name(), 60));
                dispatcher.End();
                Expect.That(answered.WaitOne(Scratch.Patience), "it still waits for a server");
                Expect.That(answer.Contains("\"closed\""), answer);
            }
        }

        [Case]
        private static void EveryRequestIsAnsweredOnceByItsId()
        {
            var answers = new List<string>();
            using (var answered = new CountdownEvent(4))
            {
                var dispatcher = new Dispatcher(
                    answer =>
                    {
                        lock (answers)
                        {
                            answers.Add(answer);
                        }

                        answered.Signal();
                    });
                dispatcher.Take(Bytes("{"));
                dispatcher.Take(Bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"whistle\"}"));
                dispatcher.Take(Bytes("{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"method\":\"health\",\"params\":{}}"));
                dispatcher.Take(Bytes("{\"jsonrpc\":\"2.0\",\"method\":\"health\"}"));
                dispatcher.Take(Message("health", "", 1));
                Expect.That(answered.Wait(Scratch.Patience), "an answer is missing");
                dispatcher.End();
            }

            answers.Sort(string.CompareOrdinal);
            Expect.Equal("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true}", answers[2]);
            Expect.That(answers[0].Contains("-32601") && answers[0].Contains("whistle"), answers[0]);
            Expect.That(answers[1].Contains("-32602") && answers[1].Contains("timeout"), answers[1]);
            Expect.That(answers[3].Contains("-32700") && answers[3].Contains("\"id\":null"), answers[3]);
            Expect.Equal(4, answers.Count, "answers");
        }

        [Case]
        private static void APointHasOneOfTwoDeeds()
        {
            using (var answered = new AutoResetEvent(false))
            {
                string answer = null;
                var dispatcher = new Dispatcher(
                    text =>
                    {
                        answer = text;
                        answered.Set();
                    });
                foreach (var then in new object[] { "halt", "die", "", "Die", "stop", 1L, null })
                {
                    var given = new Dictionary<string, object>
                    {
                        { "point", "writer.opened" }, { "passage", 1000000 }, { "then", then }, { "timeout", 1 },
                    };
                    dispatcher.Take(Message("arm", given));
                    Expect.That(answered.WaitOne(Scratch.Patience), "an answer is missing");
                    var isDeed = "halt".Equals(then) || "die".Equals(then);
                    var isRefused = answer.Contains("-32602") && answer.Contains("then");
                    Expect.That(isDeed ? answer.Contains("\"result\":null") : isRefused, $"'{then}': {answer}");
                }

                // Disarms.
                Points.Arm(null, 1, Deed.Die);
                dispatcher.End();
            }
        }

        private static byte[] Message(string verb, string name, int timeout)
        {
            return Message(
                verb,
                new Dictionary<string, object>
                {
                    { "name", name }, { "metadata", 0 }, { "payload", 64 }, { "timeout", timeout },
                });
        }

        private static byte[] Message(string verb, Dictionary<string, object> given)
        {
            return Bytes(
                Json.Write(
                    new Dictionary<string, object>
                    {
                        { "jsonrpc", "2.0" }, { "id", 1 }, { "method", verb }, { "params", new[] { given } },
                    }));
        }

        private static byte[] Bytes(string text)
        {
            return Encoding.UTF8.GetBytes(text);
        }
    }
}
