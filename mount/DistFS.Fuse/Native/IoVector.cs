using System.Runtime.InteropServices;

namespace DistFS.Fuse;

/// <summary>A piece of native or pinned memory (struct iovec).</summary>
/// <param name="Address">First byte; the memory stays where it is while it is used.</param>
/// <param name="Length">In bytes.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct IoVector(nuint Address, nuint Length);
