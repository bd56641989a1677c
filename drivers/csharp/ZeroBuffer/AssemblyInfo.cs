using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("driver")]
[assembly: InternalsVisibleTo("tests")]
