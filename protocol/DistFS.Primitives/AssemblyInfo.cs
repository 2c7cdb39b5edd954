using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DistFS.Primitives.Tests")]
[assembly: InternalsVisibleTo("DistFS.Benchmarks")]
