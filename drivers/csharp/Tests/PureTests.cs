using System;
using System.Collections.Generic;
using System.Text;
using ZeroBuffer.Driver;

namespace ZeroBuffer.Tests
{
    /// <summary>What needs no system.</summary>
    internal static class PureTests
    {
        [Case]
        private static void LayoutIsThatOfTheProtocol()
        {
            var oieb = Layout.Oieb;
            Expect.Equal(128, oieb.Size, "OIEB");
            Expect.Equal(14, oieb.Fields.Count, "fields");
            Expect.Equal("40 8", string.Join(" ", oieb.Fields["payload_free_bytes"]));
            Expect.Equal("88 8", string.Join(" ", oieb.Fields["reader_pid"]));
            Expect.Equal("96 32", string.Join(" ", oieb.Fields["reserved"]));
            Expect.Equal(16, Layout.Frame.Size, "header");
            Expect.Equal("8 8", string.Join(" ", Layout.Frame.Fields["sequence"]));
        }

        [Case]
        private static void PlansAvoidStubsAndSayWhatNeverFits()
        {
            Expect.Equal(Fit.Empty, Plan.Make(1024, 0, 0, out _));
            Expect.Equal(Fit.TooLarge, Plan.Make(1024, 0, 1009, out _));
            Expect.Equal(Fit.Fits, Plan.Make(1024, 0, 1008, out var whole));
            Expect.Equal(0, whole.End(1024), "the end of an exact fit");

            // 600 + 416 leaves 8 bytes: wrapped at once, with a marker.
            Expect.Equal(Fit.Fits, Plan.Make(1024, 600, 400, out var wrapped));
            Expect.Equal(0, wrapped.At);
            Expect.Equal(424, wrapped.Tail);
            Expect.That(wrapped.HasMarker, "a tail of 424 bytes has room for a marker");

            // At the start there is nowhere to wrap to: the stub cannot be avoided.
            Expect.Equal(Fit.Fits, Plan.Make(1024, 0, 1000, out var stub));
            Expect.Equal(1016, stub.End(1024));
            Expect.Equal(Fit.Fits, Plan.Make(1024, 1016, 100, out var after));
            Expect.That(!after.HasMarker && after.Tail == 8, "a tail of 8 bytes takes no marker");

            Expect.Equal(Fit.Unwritable, Plan.Make(10240, 6160, 7168, out _));
            Expect.Equal(6144, Plan.FitsAt(10240, 6160));
            Expect.Equal(5104, Plan.AlwaysFits(10240));
        }

        [Case]
        private static void WhatFitsAtAPositionFitsThere()
        {
            var dice = Seed.Dice("plans");
            for (var round = 0; round < 20000; round++)
            {
                long ring = 64 * dice.Next(1, 64);
                long position = dice.Next((int)ring);
                Expect.Equal(Fit.Fits, Plan.Make(ring, position, Plan.FitsAt(ring, position), out var plan));
                Expect.That(plan.Need <= ring, $"{plan.Need} of {ring} bytes at {position}");
                Expect.That(
                    Plan.Make(ring, position, Plan.FitsAt(ring, position) + 1, out _) != Fit.Fits,
                    $"more than the most fits into {ring} at {position}");
                if (Plan.AlwaysFits(ring) > 0)
                {
                    Expect.Equal(Fit.Fits, Plan.Make(ring, position, Plan.AlwaysFits(ring), out _));
                }
            }
        }

        [Case]
        private static void SpaceReturnsInRingOrder()
        {
            var leases = new Leases();
            leases.Pass(5);
            Expect.Equal(5, leases.Drain(out var frames));
            Expect.Equal(0, frames);
            var first = leases.Take(10);
            leases.Pass(7);
            var second = leases.Take(20);
            second.IsOver = true;
            Expect.Equal(0, leases.Drain(out _), "bytes behind what is held");
            Expect.Equal(37, leases.Held);
            first.IsOver = true;
            Expect.Equal(37, leases.Drain(out frames));
            Expect.Equal(2, frames);
            Expect.Equal(0, leases.Held);
        }

        [Case]
        private static void StartTimesAreFoundBehindAnyName()
        {
            const string Stat = "7 (a ) (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
            Expect.Equal(4242, Processes.ParseStartTime(Stat));
            Expect.Equal(0, Processes.ParseStartTime(Stat.Replace(") S", ") Z")));
            Expect.Equal(0, Processes.ParseStartTime("nonsense"));
        }

        [Case]
        private static void ANumberThatHasComeAgainIsThatOfAnotherProcess()
        {
            Expect.That(Processes.MayBeSame(5, 5), "the same start");
            Expect.That(Processes.MayBeSame(5, -1) && Processes.MayBeSame(-1, 5), "a start that is hidden");
            Expect.That(!Processes.MayBeSame(5, 7), "another start");
            Expect.That(!Processes.MayBeSame(5, 0) && !Processes.MayBeSame(-1, 0), "an end");
        }

        [Case]
        private static void NamesThatCannotBe()
        {
            var wrong = new[] { "", ".", "..", "a/b", "a..b", "a b", "ä", "sem.x", new string('x', 246), null };
            foreach (var name in wrong)
            {
                Expect.Equal("invalid_name", Expect.Throws<InvalidNameException>(() => new Names(name)).Code);
            }

            Expect.Equal("/sem-w-" + new string('x', 245), new Names(new string('x', 245)).DataSemaphore);
        }

        [Case]
        private static void JsonIsReadStrictlyAndWrittenBack()
        {
            const string Text = "\"\\u00e4\\\"\\\\\\u000a\"";
            var text = "{\"a\":[1,-2,18446744073709551615,1.5,1e-07,true,false,null," + Text + "],\"b\":{}}";
            Expect.Equal(text.Replace("1e-07", "1E-07"), Json.Write(Read(text)));
            Expect.Equal("1.0", Json.Write(1.0), "a whole number of seconds");
            var wrong = new[]
            {
                "", " ", "{", "[1,]", "[01]", "[1.]", "[.5]", "[+1]", "[1e]", "{\"a\"}", "{a:1}", "[1] 2", "nul",
                "\"\n\"", "\"\\x\"", "\"\\u12\"", "[NaN]", "[1e999]", "'a'", new string('[', 65) + new string(']', 65),
            };
            foreach (var document in wrong)
            {
                Expect.Throws<JsonException>(() => Read(document));
            }

            Read(new string('[', 64) + new string(']', 64));
            Expect.Throws<JsonException>(() => JsonReader.Read(new byte[] { (byte)'"', 0xff, (byte)'"' }));
        }

        [Case]
        private static void MessagesAreFoundInAnyPiecesAndAmongNoise()
        {
            var stream = Encoding.ASCII.GetBytes(
                "noise\nContent-Length: 2\r\n\r\n{}content-length:3\nX-More: 1\n\n[1]Content-Length: soon\r\n\r\n"
                + "Content-Length: 99999999999\r\n\r\nleftContent-Length: 4\r\n\r\nnull");
            var dice = Seed.Dice("pieces");
            for (var round = 0; round < 200; round++)
            {
                var decoder = new MessageDecoder();
                var seen = new List<string>();
                for (int at = 0, count; at < stream.Length; at += count)
                {
                    count = dice.Next(1, stream.Length - at + 1);
                    var piece = new byte[count];
                    Buffer.BlockCopy(stream, at, piece, 0, count);
                    decoder.Feed(piece, count);
                    while (decoder.TryNext(out var body, out var fault))
                    {
                        seen.Add(body == null ? "!" : Encoding.ASCII.GetString(body));
                    }
                }

                Expect.Equal("! {} [1] ! ! null", string.Join(" ", seen), "messages");
            }

            Expect.Equal("Content-Length: 2\r\n\r\n{}", Encoding.ASCII.GetString(MessageDecoder.Encode("{}")));
        }

        [Case]
        private static void DigestsAreThoseOfZlib()
        {
            Expect.Equal(0xcbf43926u, Crc32.Of(Encoding.ASCII.GetBytes("123456789")));
            Expect.Equal(0u, Crc32.Of(new byte[0]));
            Expect.Equal(0x29058c73u, Crc32.Of(Scratch.Ramp(256)));
        }

        [Case]
        private static unsafe void DigestsGoOnWhereTheyStopped()
        {
            var bytes = Scratch.Ramp(1000, 3);
            var dice = Seed.Dice("digests");
            for (var round = 0; round < 100; round++)
            {
                var cut = dice.Next(bytes.Length);
                fixed (byte* start = bytes)
                {
                    var first = Crc32.Continue(0, start, cut);
                    Expect.Equal(Crc32.Of(bytes), Crc32.Continue(first, start + cut, bytes.Length - cut));
                }
            }
        }

        [Case]
        private static void RecipesAreFollowed()
        {
            Expect.SameBytes(Scratch.Ramp(700, 9), Made("frame", 700, 0, 0, 1, 9), "the frame's own number");
            Expect.SameBytes(Scratch.Ramp(700, 5), Made("frame", 700, 5, 0, 1, 9), "a number of the recipe");
            Expect.SameBytes(Scratch.Ramp(3), Made("simple", 3, 5, 0, 1, 9), "a simple pattern");
            Expect.SameBytes(new byte[] { 1, 0, 1, 0 }, Made("simple", 2, 0, 1, 2, 0), "masked and repeated");
        }

        private static byte[] Made(string pattern, long size, long sequence, long mask, long repeat, ulong frame)
        {
            var fields = new Dictionary<string, object>
            {
                { "pattern", pattern }, { "size", size }, { "sequence", sequence }, { "mask", mask },
                { "repeat", repeat },
            };
            var content = Recipe.Of(new Params(fields)).Content(frame);
            var bytes = new byte[content.Count];
            Buffer.BlockCopy(content.Array, content.Offset, bytes, 0, bytes.Length);
            return bytes;
        }

        private static object Read(string text)
        {
            return JsonReader.Read(Encoding.UTF8.GetBytes(text));
        }
    }
}
