using System;
using System.Runtime.InteropServices;

namespace ZeroBuffer
{
    /// <summary>Copies between arrays and mapped memory.</summary>
    internal static unsafe class Memory
    {
        public static void Copy(byte[] source, int offset, byte* target, int count)
        {
            if (count > 0)
            {
                Marshal.Copy(source, offset, new IntPtr(target), count);
            }
        }

        public static void Copy(byte* source, byte[] target, int offset, int count)
        {
            if (count > 0)
            {
                Marshal.Copy(new IntPtr(source), target, offset, count);
            }
        }
    }
}
