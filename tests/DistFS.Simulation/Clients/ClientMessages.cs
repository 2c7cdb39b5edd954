using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>What became of a call.</summary>
public enum CallStatus
{
    /// <summary>Done; here is the answer.</summary>
    Done,

    /// <summary>Ask the leader.</summary>
    NotLeader,

    /// <summary>Not now, or it is not known what became of it; the same sequence number may be sent again.</summary>
    Busy,
}

/// <summary>A client asks a member.</summary>
/// <param name="Endpoint">Where to answer.</param>
/// <param name="Attempt">The number of the attempt, over all of the client's.</param>
/// <param name="Bytes">What is asked, as the state machine reads it.</param>
/// <param name="ByQuery">Whether it is read without the log.</param>
public sealed record ClientRequest(ulong Endpoint, ulong Attempt, ReadOnlyMemory<byte> Bytes, bool ByQuery);

/// <summary>A member answers.</summary>
/// <param name="Attempt">That of the request.</param>
/// <param name="Status">What became of it.</param>
/// <param name="Reply">The answer, if done.</param>
/// <param name="Leader">Whom the member takes for the leader; zero is unknown.</param>
public sealed record ClientReply(ulong Attempt, CallStatus Status, byte[] Reply, MemberId Leader);
