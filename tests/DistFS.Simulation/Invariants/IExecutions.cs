using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>What was executed where.</summary>
public interface IExecutions
{
    /// <summary>Whether a request was executed, and with that reply.</summary>
    bool WasExecuted(ClientId client, SequenceNumber sequence, ReadOnlySpan<byte> reply);

    /// <summary>Where a request was executed; null if it was not.</summary>
    LogIndex? IndexOf(ClientId client, SequenceNumber sequence);
}
