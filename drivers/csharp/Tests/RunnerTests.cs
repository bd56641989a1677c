using System.IO;

namespace ZeroBuffer.Tests
{
    /// <summary>Cases that are wrong are found, and nothing of them stays.</summary>
    internal static class RunnerTests
    {
        [Case]
        private static void ACaseThatLeaksHasFailed()
        {
            var name = Scratch.Name();
            var fault = Runner.FaultOf(() => new Reader(name));
            foreach (var path in FilesOf(name))
            {
                Expect.That(fault != null && fault.Contains(path), $"{path} is not told of: {fault}");
                Expect.That(!File.Exists(path), $"{path} is still there");
            }
        }

        [Case]
        private static void ACaseThatFailsDoesNotHideWhatItLeaks()
        {
            var name = Scratch.Name();
            var fault = Runner.FaultOf(
                () =>
                {
                    new Reader(name);
                    throw new FailureException("first of all");
                });
            Expect.That(fault.Contains("first of all") && fault.Contains(FilesOf(name)[0]), fault);
            Expect.Equal(0, Scratch.LeftBehind().Count, "files");
        }

        [Case]
        private static void WhatAKilledChildLeavesIsFound()
        {
            var name = Scratch.Name();
            var fault = Runner.FaultOf(
                () =>
                {
                    using (var child = Child.Start("reader", name))
                    {
                        Expect.Equal("ready", child.Await());
                    }
                });
            foreach (var path in FilesOf(name))
            {
                Expect.That(fault != null && fault.Contains(path), $"{path} is not told of: {fault}");
                Expect.That(!File.Exists(path), $"{path} is still there");
            }
        }

        [Case]
        private static void ACaseThatIsRightHasNoFault()
        {
            Expect.Equal(null, Runner.FaultOf(() => new Reader(Scratch.Name()).Close()));
        }

        private static string[] FilesOf(string name)
        {
            var names = new Names(name);
            return new[]
            {
                Names.SemaphorePath(names.DataSemaphore), Names.SemaphorePath(names.SpaceSemaphore),
                names.SegmentPath, names.LockPath,
            };
        }
    }
}
