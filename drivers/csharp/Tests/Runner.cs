using System;
using System.Collections.Generic;

namespace ZeroBuffer.Tests
{
    /// <summary>Runs one case, and looks at what it leaves.</summary>
    internal static class Runner
    {
        /// <summary>
        /// Why a case has failed; null if it has not. A case that leaves objects has failed, and whether it has or not,
        /// they do not stay for the next one.
        /// </summary>
        public static string FaultOf(Action body)
        {
            var faults = new List<string>();
            try
            {
                body();
            }
            catch (Exception error)
            {
                faults.Add(error.ToString());
            }

            var left = Scratch.Clear();
            if (left.Count > 0)
            {
                faults.Add("left behind: " + string.Join(", ", left));
            }

            return faults.Count == 0 ? null : string.Join("\n", faults);
        }
    }
}
