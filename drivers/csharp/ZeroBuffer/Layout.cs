using System;
using System.Collections.Generic;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace ZeroBuffer
{
    /// <summary>Protocol version, one byte each.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ProtocolVersion
    {
        public byte Major;
        public byte Minor;
        public byte Patch;
        public byte Unused;
    }

    /// <summary>
    /// Bytes that foreign peers make zero and leave alone. Both counts begin at one ring and only grow: a count of 0
    /// says that the reader is foreign.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ReservedBytes
    {
        /// <summary>Bytes ever committed, tails included.</summary>
        public ulong Committed;

        /// <summary>Bytes ever released, tails included; bit 63 is set while a release is under way.</summary>
        public ulong Released;

        /// <summary>Number of the connection; in the low half the pid of its writer, 0 once it has closed.</summary>
        public ulong Connection;

        /// <summary>What was committed when this writer connected.</summary>
        public ulong StreamStart;
    }

    /// <summary>The OIEB at the beginning of a segment. Each field has one writer, but PayloadFreeBytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ControlBlock
    {
        public uint OiebSize;
        public ProtocolVersion Version;
        public ulong MetadataSize;
        public ulong MetadataFreeBytes;
        public ulong MetadataWrittenBytes;
        public ulong PayloadSize;
        public ulong PayloadFreeBytes;
        public ulong PayloadWritePos;
        public ulong PayloadReadPos;
        public ulong PayloadWrittenCount;
        public ulong PayloadReadCount;
        public ulong WriterPid;
        public ulong ReaderPid;
        public ReservedBytes Reserved;

        /// <summary>Takes one from the first bytes of a file; false if it is none of this protocol.</summary>
        public static unsafe bool IsIn(byte[] start, out ControlBlock block)
        {
            var content = default(ControlBlock);
            Marshal.Copy(start, 0, (IntPtr)(&content), start.Length);
            block = content;
            return start.Length == Layout.OiebSize
                && block.OiebSize == Layout.OiebSize && block.Version.Major == Layout.VersionMajor;
        }
    }

    /// <summary>What stands before the data of each frame; both 0: go on at the start of the ring.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct FrameHeader
    {
        public ulong Size;
        public ulong Sequence;

        public bool IsWrapMarker
        {
            get { return Size == 0 && Sequence == 0; }
        }
    }

    /// <summary>A structure of shared memory as this compiler sees it.</summary>
    public sealed class StructureLayout
    {
        internal StructureLayout(long size, IDictionary<string, long[]> fields)
        {
            Size = size;
            Fields = fields;
        }

        /// <summary>Bytes of the whole.</summary>
        public long Size { get; }

        /// <summary>Offset and size of each field, by its name in the protocol.</summary>
        public IDictionary<string, long[]> Fields { get; }
    }

    /// <summary>Sizes and offsets that all implementations share.</summary>
    public static class Layout
    {
        /// <summary>Blocks of a segment are multiples of this.</summary>
        public const long BlockAlignment = 64;

        /// <summary>Bytes of the control block.</summary>
        public const long OiebSize = 128;

        /// <summary>Bytes before the data of a frame.</summary>
        public const long HeaderSize = 16;

        /// <summary>Bytes before the content of the metadata.</summary>
        public const long MetadataPrefix = 8;

        internal const byte VersionMajor = 1;

        /// <summary>The control block, from the structure that is laid over shared memory.</summary>
        public static StructureLayout Oieb
        {
            get { return Of<ControlBlock>(); }
        }

        /// <summary>The header of a frame.</summary>
        public static StructureLayout Frame
        {
            get { return Of<FrameHeader>(); }
        }

        internal static long Align(long size)
        {
            return (size + BlockAlignment - 1) / BlockAlignment * BlockAlignment;
        }

        private static StructureLayout Of<T>()
        {
            var fields = new Dictionary<string, long[]>();
            foreach (var field in typeof(T).GetFields(BindingFlags.Instance | BindingFlags.Public))
            {
                var offset = Marshal.OffsetOf(typeof(T), field.Name).ToInt64();
                fields.Add(SnakeCase(field.Name), new[] { offset, Marshal.SizeOf(field.FieldType) });
            }

            return new StructureLayout(Marshal.SizeOf(typeof(T)), fields);
        }

        private static string SnakeCase(string name)
        {
            var text = new StringBuilder();
            foreach (var letter in name)
            {
                if (char.IsUpper(letter) && text.Length > 0)
                {
                    text.Append('_');
                }

                text.Append(char.ToLowerInvariant(letter));
            }

            return text.ToString();
        }
    }
}
