using System.Reflection;
using System.Runtime.CompilerServices;

[assembly: AssemblyTitle("ZeroBuffer")]
[assembly: AssemblyVersion("0.1.0.0")]
[assembly: InternalsVisibleTo("driver")]
[assembly: InternalsVisibleTo("tests")]
