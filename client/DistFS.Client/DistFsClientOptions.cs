using DistFS.Native;
using DistFS.Primitives;
using DistFS.Rpc;

namespace DistFS.Client;

/// <summary>On whose behalf a client works: what the permissions of files are asked for.</summary>
/// <param name="Uid">The user.</param>
/// <param name="Gid">The group that what it makes gets.</param>
/// <param name="Groups">Further groups.</param>
public sealed record FileIdentity(uint Uid, uint Gid, IReadOnlyList<uint> Groups)
{
    /// <summary>May do everything.</summary>
    public static FileIdentity Root { get; } = new(0, 0, []);
}

/// <summary>How a <see cref="DistFsClient"/> works.</summary>
public sealed record DistFsClientOptions
{
    /// <summary>The least <see cref="MemoryMax"/>: a large file takes most of it.</summary>
    public const long MemoryMin = 32 << 20;

    /// <summary>What <see cref="MemoryMax"/> is if nothing is said.</summary>
    public const long MemoryDefault = 256 << 20;

    /// <summary>Metaservers of the cluster; any of them will do, the others are found.</summary>
    public required IReadOnlyList<RpcAddress> Metaservers { get; init; }

    /// <summary>Whose permissions count. Default: root.</summary>
    public FileIdentity Identity { get; init; } = FileIdentity.Root;

    /// <summary>Permission bits that new files and directories do not get (umask). Default 022.</summary>
    public uint Umask { get; init; } = 0b000_010_010;

    /// <summary>What the client says it is, for the servers' logs.</summary>
    public string Agent { get; init; } = "DistFS client";

    /// <summary>
    /// An operation is tried for so long while nobody leads, or no server takes bytes; then it fails. Default 60 s.
    /// </summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// What the client has open ends when nothing is heard of it for so long. 1 s to 1 h, default 30 s.
    /// </summary>
    public TimeSpan SessionLease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The rack in which this client runs, as chunk servers call theirs (<c>--rack</c>): servers in it are read from
    /// before others. Null: that of the chunk server of this host, if there is one.
    /// </summary>
    public string? Rack { get; init; }

    /// <summary>
    /// A read that takes longer than 95 % of those before it asks a second server too, in one of twenty reads at most.
    /// Default true.
    /// </summary>
    public bool HedgesReads { get; init; } = true;

    /// <summary>
    /// What paths stand for, and attributes, are kept under leases if they are looked at again and again: then they are
    /// answered here, and are still what everybody sees. Others who change them wait for a round trip to this client;
    /// if it stands still, for ten seconds at most. Default true.
    /// </summary>
    public bool CachesNames { get; init; } = true;

    /// <summary>Requests of up to 1 MiB that a reader has under way. Default 8.</summary>
    public int ReadsInFlight { get; init; } = 8;

    /// <summary>Requests of up to 1 MiB that a writer has under way. Default 8.</summary>
    public int WritesInFlight { get; init; } = 8;

    /// <summary>
    /// Content on its way, in bytes: what all transfers of the client between files keep together, and a quarter of it
    /// what small writes gather. 32 MiB or more, default 256 MiB. Besides, files that the program has open take up to
    /// <see cref="WritesInFlight"/> MiB each while they are written, and transfers from and to its streams some 20 MiB.
    /// </summary>
    public long MemoryMax
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, MemoryMin);
            field = value;
        }
    } = MemoryDefault;

    /// <summary>Told of failures behind which nobody waits: for logs. It never throws.</summary>
    public Action<DistFsException>? Failed { get; init; }

    /// <summary>
    /// Time and timers. Default: one that goes on while the machine is suspended, so that what was believed for a time
    /// before is not believed after it.
    /// </summary>
    public TimeProvider Clock { get; init; } = BootClock.Instance;
}
