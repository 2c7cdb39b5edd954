using System.Runtime.CompilerServices;

// Every signature is blittable, so no call pays for the runtime's marshaller and none changes its meaning under AOT.
[assembly: DisableRuntimeMarshalling]
[assembly: InternalsVisibleTo("DistFS.Native.Tests")]
[assembly: InternalsVisibleTo("DistFS.Benchmarks")]
