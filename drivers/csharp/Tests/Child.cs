using System;
using System.Diagnostics;
using System.IO;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Threading;
using ZeroBuffer.Driver;

namespace ZeroBuffer.Tests
{
    /// <summary>
    /// This program, started again to play the other side; what it says goes over its stdout, line by line.
    /// </summary>
    internal sealed class Child : IDisposable
    {
        public const string Word = "--child";

        private const int SIGCONT = 18;

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
            var start = new ProcessStartInfo(program, $"{self}{Word} {role} {buffer} {string.Join(" ", more)}")
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            };

            // Mono keeps a file of its own in /dev/shm, which stays when it is killed.
            start.EnvironmentVariables["MONO_DISABLE_SHARED_AREA"] = "1";
            return new Child(Process.Start(start));
        }

        /// <summary>Waits for a line, which says where the child has got to; null if it ends without one.</summary>
        public string Await()
        {
            var line = process.StandardOutput.ReadLineAsync();
            Expect.That(line.Wait(Scratch.Patience), "a child hangs");
            return line.Result;
        }

        /// <summary>Waits until it has stopped itself.</summary>
        public void AwaitHalt()
        {
            // The runtime reaps children: a stop can be seen without taking anything from it.
            var deadline = Deadline.After(Scratch.Patience);
            while (!HasHalted())
            {
                Expect.That(!process.HasExited, "a child has ended instead of halting");
                Expect.That(!deadline.IsOver, "a child does not halt");
                Thread.Sleep(1);
            }
        }

        public void GoOn()
        {
            Libc.kill(process.Id, SIGCONT);
        }

        public void Tell(string line)
        {
            process.StandardInput.WriteLine(line);
            process.StandardInput.Flush();
        }

        /// <summary>Ends its stdin, and waits until it has ended in turn.</summary>
        public void End()
        {
            process.StandardInput.Close();
            Expect.Equal(null, Await(), "a child that is to end");
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
            // It may be halted when its parent ends.
            Host.DieWithParent();
            var role = arguments[1];
            var buffer = arguments[2];
            switch (role)
            {
                case "writer":
                    Write(new Writer(buffer), int.Parse(arguments[3]));
                    break;
                case "writer-as-another":
                    SystemCalls.Check(seteuid(65534));
                    Write(new Writer(buffer), int.Parse(arguments[3]));
                    break;
                case "reader":
                    Read(new Reader(buffer, new BufferConfig(0, 1024)));
                    break;
                case "halts-connecting":
                    Points.Arm(Points.WriterOpened, 1, Deed.Halt);
                    Write(new Writer(buffer), 1);
                    break;
                case "halts-writing":
                    Points.Arm(arguments[3], 2, Deed.Halt);
                    Write(new Writer(buffer), 4);
                    break;
                case "dies-writing":
                    Points.Arm(arguments[3], 1, Deed.Die);
                    Write(new Writer(buffer), 1);
                    break;
                case "dies-reading":
                    var reader = new Reader(buffer, new BufferConfig(0, 4096));
                    Console.WriteLine("ready");
                    Console.ReadLine();
                    Points.Arm(arguments[3], 1, Deed.Die);
                    reader.Read(Scratch.Patience).Release();
                    break;
                default:
                    return 3;
            }

            return 0;
        }

        [DllImport("libc.so.6", SetLastError = true)]
        private static extern int seteuid(uint user);

        private bool HasHalted()
        {
            var stat = Processes.ReadText($"/proc/{process.Id}/stat") ?? "";
            return stat.Substring(stat.LastIndexOf(')') + 1).StartsWith(" T ", StringComparison.Ordinal);
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
