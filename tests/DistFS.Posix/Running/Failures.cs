namespace DistFS.Posix.Running;

/// <summary>A check cannot go on: what it builds on was refused.</summary>
public sealed class CheckFailedException(string message) : Exception(message);

/// <summary>What a check needs is not here; it is counted apart, and with --require-all it is a failure.</summary>
public sealed class CheckNotRunException(string reason) : Exception(reason);
