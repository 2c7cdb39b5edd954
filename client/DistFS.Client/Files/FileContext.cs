using DistFS.Client.Chunks;
using DistFS.Client.Cluster;
using DistFS.Rpc.Frames;

namespace DistFS.Client.Files;

/// <summary>What all files of a client share.</summary>
/// <param name="Channel">To the metaservers.</param>
/// <param name="Servers">Where chunk servers are.</param>
/// <param name="Links">To these.</param>
/// <param name="Reader">Of chunks.</param>
/// <param name="Options">Of the client.</param>
/// <param name="Session">
/// Names the session in what is asked without an open: its own leases are not recalled for it. 0: there is none.
/// </param>
internal sealed record FileContext(
    MetadataChannel Channel,
    ServerBook Servers,
    FrameChannels Links,
    ChunkReader Reader,
    DistFsClientOptions Options,
    Func<ulong> Session)
{
    /// <summary>Of what all of its files gather.</summary>
    public GatherBudget Gathering { get; } = new(Options.MemoryMax / 4);
}

/// <summary>An open of a file, as the metaservers know it.</summary>
/// <param name="Session">By which it was opened.</param>
/// <param name="Handle">Its number.</param>
internal sealed record OpenHandleOf(ClientSession Session, ulong Handle);
