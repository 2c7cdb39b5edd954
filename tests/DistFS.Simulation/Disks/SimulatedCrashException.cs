namespace DistFS.Simulation;

/// <summary>
/// The machine lost its power in the middle of a disk operation. Not an <see cref="IOException"/>: no product code may
/// take it for an error that it can handle.
/// </summary>
public sealed class SimulatedCrashException() : Exception("The machine lost its power.");

/// <summary>The disk is full.</summary>
public sealed class SimulatedDiskFullException(string name) : IOException($"No space left on device: {name}");
