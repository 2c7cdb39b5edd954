namespace DistFS.Metadata.Placement;

/// <summary>
/// What a chunk server is good for. Of several that hold, the one furthest down this list counts: a draining server
/// that is dead is dead.
/// </summary>
public enum ServerState : byte
{
    /// <summary>Serves, and takes new replicas.</summary>
    Up = 1,

    /// <summary>Serves what it has, and has no room for more.</summary>
    Full = 2,

    /// <summary>Serves what it has until that is elsewhere: its replicas do not count towards the goal.</summary>
    Draining = 3,

    /// <summary>Silent for a while: nothing is asked of it, and its replicas still count.</summary>
    Suspect = 4,

    /// <summary>Said that it would be back: its replicas still count.</summary>
    Away = 5,

    /// <summary>Its replicas do not count.</summary>
    Dead = 6,
}

/// <summary>What the states mean for replicas.</summary>
public static class ServerStates
{
    /// <summary>Whether new replicas may go there.</summary>
    public static bool Accepts(this ServerState state) => state == ServerState.Up;

    /// <summary>Whether replicas can be read there now.</summary>
    public static bool Serves(this ServerState state) =>
        state is ServerState.Up or ServerState.Full or ServerState.Draining;

    /// <summary>Whether it serves and is to keep what it has.</summary>
    public static bool Stays(this ServerState state) => state is ServerState.Up or ServerState.Full;

    /// <summary>Whether its replicas count towards the goal of a chunk.</summary>
    public static bool Counts(this ServerState state) =>
        state is ServerState.Up or ServerState.Full or ServerState.Suspect or ServerState.Away;

    /// <summary>The state of a server from what is heard of it and what was decided about it.</summary>
    /// <param name="liveness">Up, suspect, away or dead.</param>
    /// <param name="isDraining">It is to be emptied.</param>
    /// <param name="isFull">It said that it has no room.</param>
    public static ServerState Combine(ServerState liveness, bool isDraining, bool isFull) => liveness switch
    {
        ServerState.Up when isDraining => ServerState.Draining,
        ServerState.Up when isFull => ServerState.Full,
        _ => liveness,
    };
}
