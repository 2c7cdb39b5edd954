using DistFS.Rpc.Frames;

namespace DistFS.Client.Chunks;

/// <summary>Connections of a client to chunk servers, shared by all its files.</summary>
public static class ChunkChannels
{
    /// <summary>A server that is paused, or cut off, is given up after this: its writers go on without it.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(3);

    /// <summary>None yet; they are made as they are needed.</summary>
    /// <param name="agent">What the client says it is, for the servers' logs.</param>
    public static FrameChannels Create(string agent) => FrameChannels.Impatient(agent, SilenceMax);
}
