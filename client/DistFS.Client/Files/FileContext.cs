using DistFS.Client.Chunks;
using DistFS.Client.Cluster;
using DistFS.Rpc.Frames;

namespace DistFS.Client.Files;

/// <summary>What all files of a client share.</summary>
internal sealed record FileContext(
    MetadataChannel Channel,
    ServerBook Servers,
    FrameChannels Links,
    ChunkReader Reader,
    DistFsClientOptions Options);

/// <summary>An open of a file, as the metaservers know it.</summary>
/// <param name="Session">By which it was opened.</param>
/// <param name="Handle">Its number.</param>
internal sealed record OpenHandleOf(ClientSession Session, ulong Handle);
