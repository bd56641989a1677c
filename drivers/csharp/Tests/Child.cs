using System;
using System.Diagnostics;
using System.IO;
using System.Reflection;

namespace ZeroBuffer.Tests
{
    /// <summary>
    /// This program, started again to play the other side; what it says goes over its stdout, line by line.
    /// </summary>
    internal sealed class Child : IDisposable
    {
        public const string Word = "--child";

        private readonly Process process;

        private Child(Process process)
        {
            this.process = process;
        }

        public static Child Start(string role, string buffer, params string[] more)
        {
            var program = Process.GetCurrentProcess().MainModule.FileName;
            var host = Path.GetFileName(program);
            var isHosted = host.StartsWith("mono", StringComparison.Ordinal) || host == "dotnet";
            var self = isHosted ? Assembly.GetExecutingAssembly().Location + " " : "";
            var process = Process.Start(
                new ProcessStartInfo(program, $"{self}{Word} {role} {buffer} {string.Join(" ", more)}")
                {
                    UseShellExecute = false,
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                });
            return new Child(process);
        }

        /// <summary>Waits for a line; it says where the child has got to.</summary>
        public string Await()
        {
            return process.StandardOutput.ReadLine();
        }

        public void Tell(string line)
        {
            process.StandardInput.WriteLine(line);
            process.StandardInput.Flush();
        }

        /// <summary>Ends it without a word, and reaps it.</summary>
        public void Kill()
        {
            if (!process.HasExited)
            {
                Libc.kill(process.Id, Libc.SIGKILL);
            }

            process.WaitForExit();
        }

        public void Dispose()
        {
            Kill();
            process.Dispose();
        }

        /// <summary>The other end: plays a role until stdin ends.</summary>
        public static int Run(string[] arguments)
        {
            var role = arguments[1];
            var buffer = arguments[2];
            switch (role)
            {
                case "writer":
                    Write(new Writer(buffer), int.Parse(arguments[3]));
                    break;
                case "reader":
                    Read(new Reader(buffer, new BufferConfig(0, 1024)));
                    break;
                case "dies-writing":
                    Points.Arm(arguments[3], 1);
                    Write(new Writer(buffer), 1);
                    break;
                case "dies-reading":
                    var reader = new Reader(buffer, new BufferConfig(0, 4096));
                    Console.WriteLine("ready");
                    Console.ReadLine();
                    Points.Arm(arguments[3], 1);
                    reader.Read(Scratch.Patience).Release();
                    break;
                default:
                    return 3;
            }

            return 0;
        }

        private static void Write(Writer writer, int count)
        {
            for (; count > 0; count--)
            {
                writer.Write(Scratch.Ramp(300, writer.NextSequence), Scratch.Patience);
            }

            Console.WriteLine("ready");
            Console.ReadLine();
            writer.Close();
        }

        private static void Read(Reader reader)
        {
            Console.WriteLine("ready");
            Console.ReadLine();
            reader.Close();
        }
    }
}
