using System;
using System.Reflection;
using System.Runtime.InteropServices;

namespace ZeroBuffer.Tests
{
    /// <summary>A writer that knows the protocol alone, in this process.</summary>
    internal sealed unsafe class Foreign : IDisposable
    {
        /// <summary>A number that no process has.</summary>
        public const ulong DeadPid = 1 << 30;

        private readonly Reader reader;
        private readonly Ring ring;
        private readonly Mapping mapping;

        public Foreign(Reader reader, ulong pid = 1)
        {
            this.reader = reader;
            using (var file = SystemCalls.Open(new Names(reader.Name).SegmentPath, Libc.O_RDWR))
            {
                var length = (long)SystemCalls.FactsOf(file).Size;
                mapping = new Mapping(file, length, true);
                ring = new Ring(reader.Name, mapping.Start, mapping.Start, length);
            }

            Poke(&ring.Block->WriterPid, pid);
        }

        public static void Poke(ulong* field, ulong value)
        {
            Shared.Store(field, value);
        }

        /// <summary>
        /// Closes a side's descriptors, as its death would. Its mappings stand: they must not keep a lock.
        /// </summary>
        public static void Kill(object side)
        {
            var segment = side is Reader reader ? reader.Segment : Field(side, "segment");
            ((FileDescriptor)Field(segment, "file")).Dispose();
            if (side is Reader)
            {
                ((FileDescriptor)Field(Field(side, "ownership"), "lockFile")).Dispose();
            }
        }

        public void Write(int size, ulong sequence, bool posts)
        {
            var block = ring.Block;
            Expect.Equal(Fit.Fits, Plan.Make(ring.Size, ring.WritePosition(), size, out var plan));
            Expect.That(plan.Need <= ring.FreeBytes(), "a foreign writer has no space");
            Marshal.Copy(Scratch.Ramp(size, sequence), 0, (IntPtr)ring.At(plan.At + Layout.HeaderSize), size);
            *(FrameHeader*)ring.At(plan.At) = new FrameHeader { Size = (ulong)size, Sequence = sequence };
            if (plan.HasMarker)
            {
                *(FrameHeader*)ring.At(plan.From) = default(FrameHeader);
            }

            Poke(&block->PayloadWritePos, (ulong)plan.End(ring.Size));
            Shared.FetchAdd(&block->PayloadFreeBytes, -plan.Need);
            Shared.FetchAdd(&block->PayloadWrittenCount, plan.HasMarker ? 2 : 1);
            if (posts)
            {
                reader.Segment.Data.Post();
            }
        }

        /// <summary>Closes in order, as far as the protocol goes.</summary>
        public void Dispose()
        {
            Poke(&ring.Block->WriterPid, 0);
            mapping.Dispose();
        }

        public static object Field(object owner, string name)
        {
            return owner.GetType().GetField(name, BindingFlags.Instance | BindingFlags.NonPublic).GetValue(owner);
        }
    }
}
