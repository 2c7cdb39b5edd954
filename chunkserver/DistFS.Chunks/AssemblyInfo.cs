using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DistFS.Chunks.Tests")]
[assembly: InternalsVisibleTo("DistFS.Benchmarks")]
