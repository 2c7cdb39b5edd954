using System.Text.Json.Serialization;

namespace DistFS.Cli.Health;

/// <summary>The document of <c>dfs status --json</c>.</summary>
/// <param name="Healthy">There is no warning but of damage that is mended (DFS1558).</param>
/// <param name="Leader">The metaserver that leads; null: none does.</param>
/// <param name="Metaservers">All of them.</param>
/// <param name="Chunkservers">All of them; none while nobody leads.</param>
/// <param name="Chunks">Null while nobody leads, or the one who does has just begun.</param>
/// <param name="Warnings">What a person should know, the gravest first.</param>
internal sealed record ClusterReport(
    bool Healthy,
    ulong? Leader,
    MetaserverLine[] Metaservers,
    ChunkserverLine[] Chunkservers,
    ChunksLine? Chunks,
    WarningLine[] Warnings);

/// <summary>A metaserver.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Address">host:port</param>
/// <param name="State">leader, follower, learner, down; unknown, if nobody leads.</param>
/// <param name="Behind">Entries of the log that it does not have yet; null: not known.</param>
internal sealed record MetaserverLine(ulong Id, string Address, string State, ulong? Behind);

/// <summary>A chunk server.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Address">host:port</param>
/// <param name="State">up, starting (it tells what it has), full, draining, suspect, away, dead.</param>
/// <param name="Rack">Empty: none was told.</param>
/// <param name="Used">Bytes in use on its disks.</param>
/// <param name="Capacity">Bytes that its disks hold.</param>
/// <param name="Load">Requests under way.</param>
/// <param name="DamagedBlocks">Found since it started, and mended.</param>
/// <param name="LostCopies">Found since it started, and made again.</param>
internal sealed record ChunkserverLine(
    uint Id,
    string Address,
    string State,
    string Rack,
    ulong Used,
    ulong Capacity,
    uint Load,
    ulong DamagedBlocks,
    ulong LostCopies);

/// <summary>The chunks, and what is to be done with them.</summary>
/// <param name="Total">All that there are.</param>
/// <param name="UnderReplicated">With fewer copies than their goal, those of the next three included.</param>
/// <param name="OneCopy">With one copy left.</param>
/// <param name="Missing">Without a copy that can be read.</param>
/// <param name="Waiting">For which no server is left that could take a copy.</param>
/// <param name="Corrupt">With a damaged copy, and else enough.</param>
/// <param name="ToMove">Whole, and to go to other servers or racks.</param>
/// <param name="CopiesUnderWay">Being made at the moment.</param>
/// <param name="BytesLeft">To copy.</param>
/// <param name="BytesPerSecond">Copied, of late.</param>
/// <param name="EtaSeconds">Until that is done; null: nobody knows.</param>
/// <param name="Complete">All chunks were looked at: else there may be more to do.</param>
/// <param name="UnknownCopies">Copies on servers that nothing explains.</param>
internal sealed record ChunksLine(
    ulong Total,
    ulong UnderReplicated,
    ulong OneCopy,
    ulong Missing,
    ulong Waiting,
    ulong Corrupt,
    ulong ToMove,
    uint CopiesUnderWay,
    ulong BytesLeft,
    ulong BytesPerSecond,
    ulong? EtaSeconds,
    bool Complete,
    ulong UnknownCopies);

/// <summary>Something that a person should know.</summary>
/// <param name="Code">DFS155x or DFS156x; <c>dfs explain</c> says what to do.</param>
/// <param name="Message">One line.</param>
internal sealed record WarningLine(string Code, string Message);

[JsonSerializable(typeof(ClusterReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class ClusterReportJson : JsonSerializerContext;
