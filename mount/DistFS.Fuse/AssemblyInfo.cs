using System.Runtime.CompilerServices;

// Native calls take blittable types only, so their stubs are compiled in and cost nothing.
[assembly: DisableRuntimeMarshalling]
