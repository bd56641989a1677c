using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Reflection;

namespace ZeroBuffer.Tests
{
    /// <summary>Marks a case: a static method without parameters. What it throws is its failure.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    internal sealed class CaseAttribute : Attribute
    {
    }

    /// <summary>
    /// Runs the cases whose names hold one of the words given, or all: tests.exe [--list] [WORD…]. The exit status is
    /// 0 if all pass, 1 if one fails, 2 if there is none of that name.
    /// </summary>
    internal static class Program
    {
        private static int Main(string[] arguments)
        {
            if (arguments.Length > 0 && arguments[0] == Child.Word)
            {
                return Child.Run(arguments);
            }

            Seed.Print();
            var words = Array.FindAll(arguments, word => word != "--list");
            var cases = CasesWith(words);
            if (words.Length < arguments.Length)
            {
                cases.ForEach(method => Console.WriteLine(NameOf(method)));
                return 0;
            }

            Shuffle(cases);
            var failures = 0;
            foreach (var method in cases)
            {
                failures += Passes(method) ? 0 : 1;
            }

            // Of a thread that a case has not waited for.
            foreach (var path in Scratch.Clear())
            {
                Console.WriteLine($"FAILED left behind in the end: {path}");
                failures++;
            }

            Console.WriteLine($"{cases.Count} cases, {failures} failed, seed {Seed.Value}");
            return cases.Count == 0 ? 2 : failures == 0 ? 0 : 1;
        }

        private static List<MethodInfo> CasesWith(string[] words)
        {
            var found = new List<MethodInfo>();
            foreach (var type in Assembly.GetExecutingAssembly().GetTypes())
            {
                foreach (var method in type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic))
                {
                    var name = NameOf(method);
                    var isAsked = words.Length == 0 || Array.Exists(words, word => name.Contains(word));
                    if (isAsked && method.GetCustomAttributes(typeof(CaseAttribute), false).Length > 0)
                    {
                        found.Add(method);
                    }
                }
            }

            found.Sort((one, other) => string.CompareOrdinal(NameOf(one), NameOf(other)));
            return found;
        }

        private static void Shuffle(List<MethodInfo> cases)
        {
            var dice = Seed.Dice("order");
            for (var left = cases.Count; left > 1; left--)
            {
                var chosen = dice.Next(left);
                var last = cases[left - 1];
                cases[left - 1] = cases[chosen];
                cases[chosen] = last;
            }
        }

        private static bool Passes(MethodInfo method)
        {
            var clock = Stopwatch.StartNew();
            var fault = Runner.FaultOf((Action)Delegate.CreateDelegate(typeof(Action), method));
            Console.WriteLine(
                fault == null
                    ? $"passed {clock.ElapsedMilliseconds,6} ms  {NameOf(method)}"
                    : $"FAILED {NameOf(method)}\n{fault}");
            return fault == null;
        }

        private static string NameOf(MethodInfo method)
        {
            return $"{method.DeclaringType.Name}.{method.Name}";
        }
    }
}
