using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using ZeroBuffer.Driver;

namespace ZeroBuffer.Tests
{
    /// <summary>Memory that another implementation has left, byte by byte.</summary>
    internal static class VectorTests
    {
        private const int WritePosOffset = 48;
        private const int ReservedOffset = 96;
        private const int PayloadSizeOffset = 32;
        private static readonly int[] PidOffsets = { 80, 88 };

        [Case]
        private static void EverySegmentIsMadeByteByByte()
        {
            var folder = Folder();
            using (var table = new Table())
            {
                var made = 0;
                foreach (var line in File.ReadAllLines(Path.Combine(folder, "manifest.jsonl")))
                {
                    var entry = (Dictionary<string, object>)JsonReader.Read(System.Text.Encoding.UTF8.GetBytes(line));
                    var id = (string)entry["id"];
                    table.Make(id);
                    var expected = File.ReadAllBytes(Path.Combine(folder, (string)entry["file"]));
                    Expect.SameBytes(Normalised(expected), Normalised(table.Memory()), id);
                    Expect.Equal((long)entry["sem_w"], Scratch.Tokens(table.Reader.Segment.Data), id + ": data");
                    Expect.Equal((long)entry["sem_r"], Scratch.Tokens(table.Reader.Segment.Space), id + ": space");
                    made++;
                }

                Expect.Equal(16, made, "vectors");
            }
        }

        /// <summary>Up from this program, or from where it was started, to the vectors of the repository.</summary>
        private static string Folder()
        {
            const string Vectors = "tests/vectors/segments";
            var program = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location);
            foreach (var start in new[] { program, Directory.GetCurrentDirectory() })
            {
                for (var folder = start; folder != null; folder = Path.GetDirectoryName(folder))
                {
                    if (Directory.Exists(Path.Combine(folder, Vectors)))
                    {
                        return Path.Combine(folder, Vectors);
                    }
                }
            }

            throw new FailureException($"{Vectors} is neither above this program nor above the current directory");
        }

        private static byte[] Normalised(byte[] memory)
        {
            foreach (var offset in PidOffsets)
            {
                if (BitConverter.ToUInt64(memory, offset) != 0)
                {
                    BitConverter.GetBytes(1UL).CopyTo(memory, offset);
                }
            }

            // Words that only implementations of this project keep.
            Array.Clear(memory, ReservedOffset, 32);

            // Both are right after an exact fit; this library writes 0.
            if (BitConverter.ToUInt64(memory, WritePosOffset) == BitConverter.ToUInt64(memory, PayloadSizeOffset))
            {
                BitConverter.GetBytes(0UL).CopyTo(memory, WritePosOffset);
            }

            return memory;
        }

        /// <summary>The buffer at hand; vectors of one letter go on from each other.</summary>
        private sealed class Table : IDisposable
        {
            private readonly List<Frame> held = new List<Frame>();
            private Writer writer;

            public Reader Reader { get; private set; }

            public byte[] Memory()
            {
                using (var file = SystemCalls.Open(new Names(Reader.Name).SegmentPath, Libc.O_RDONLY))
                {
                    return SystemCalls.ReadStart(file, (int)SystemCalls.FactsOf(file).Size);
                }
            }

            public void Make(string id)
            {
                switch (id)
                {
                    case "a1-created":
                        Create(1024, 10240);
                        break;
                    case "a2-connected":
                        writer = new Writer(Reader.Name);
                        break;
                    case "a3-metadata":
                        writer.SetMetadata(Scratch.Ramp(100));
                        break;
                    case "a4-one-frame":
                        Write(1024);
                        break;
                    case "a5-read-held":
                        held.Add(Reader.Read(Scratch.Patience));
                        break;
                    case "a6-released":
                        held.ForEach(frame => frame.Release());
                        break;
                    case "a7-four-more":
                        Write(2048, 2048, 2048, 2048);
                        break;
                    case "a8-two-read":
                    case "a10-before-marker":
                        Take();
                        Take();
                        break;
                    case "a9-wrapped":
                        Write(2048);
                        break;
                    case "a11-across-marker":
                        Take();
                        break;
                    case "b1-tiny":
                        Connect(0, 64);
                        Write(1);
                        break;
                    case "c1-exact-fit":
                        Connect(0, 1024);
                        Write(496, 496);
                        break;
                    case "d1-rounding":
                        Create(65, 1000);
                        break;
                    case "e1-mixed":
                        Connect(64, 4096);
                        Mix();
                        break;
                    case "f1-marker-fills-tail":
                        Connect(0, 1024);
                        Write(992);
                        Take();
                        Write(100);
                        break;
                    default:
                        throw new FailureException($"this test does not know how to make {id}");
                }
            }

            public void Dispose()
            {
                writer?.Dispose();
                Reader?.Dispose();
                writer = null;
                Reader = null;
            }

            private void Create(long metadata, long payload)
            {
                Dispose();
                Reader = new Reader(Scratch.Name(), new BufferConfig(metadata, payload));
            }

            private void Connect(long metadata, long payload)
            {
                Create(metadata, payload);
                writer = new Writer(Reader.Name);
            }

            private void Write(params int[] sizes)
            {
                foreach (var size in sizes)
                {
                    writer.Write(Scratch.Ramp(size, writer.NextSequence), Scratch.Patience);
                }
            }

            private void Take()
            {
                using (var frame = Reader.Read(Scratch.Patience))
                {
                    Expect.SameBytes(Scratch.Ramp((int)frame.Size, frame.Sequence), frame.Data.ToArray(), "a frame");
                }
            }

            private void Mix()
            {
                var sizes = new[] { 16, 32, 240, 1008, 496, 64, 2000, 112, 768, 1488, 336, 48, 160 };
                for (var number = 1; number <= sizes.Length; number++)
                {
                    Write(sizes[number - 1]);
                    if (number == 1 || (number >= 3 && number <= 12))
                    {
                        Take();
                    }
                }
            }
        }
    }
}
