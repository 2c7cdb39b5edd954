using DistFS.Primitives;

namespace DistFS.Vfs;

/// <summary>When what a program did is durable (docs/design/vfs.md).</summary>
public enum VfsDurability
{
    /// <summary>
    /// As of a local file system: fsync, fdatasync and O_SYNC make durable what was written and its name; all else
    /// reaches the cluster within a second, names in their order.
    /// </summary>
    Posix,

    /// <summary>Besides, close is an fsync.</summary>
    Close,

    /// <summary>Each change is durable when it returns.</summary>
    Sync,
}

/// <summary>How a <see cref="VfsMount"/> works.</summary>
public sealed record VfsOptions
{
    /// <summary>When what was written is durable.</summary>
    public VfsDurability Durability { get; init; } = VfsDurability.Posix;

    /// <summary>Nothing is changed: EROFS.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>What <see cref="MemoryMax"/> stands for if nothing is said.</summary>
    public const long MemoryDefault = 384 << 20;

    /// <summary>An inode with its name, measured: 200,000 of them took 166 MiB.</summary>
    private const long NodeBytes = 800;

    /// <summary>
    /// Sets the bounds of what is kept here, in bytes: a sixth for content of new files that is to be sent, a sixth for
    /// content that was read, 5/12 for inodes and names. The rest is what its client gathers
    /// (<see cref="DistFS.Client.DistFsClientOptions.MemoryMax"/>).
    /// </summary>
    public long MemoryMax
    {
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1 << 20);
            (UnsentBytesMax, ContentCacheBytes) = (value / 6, value / 6);
            NodesMax = (int)Math.Clamp(value / 12 * 5 / NodeBytes, 1_000, int.MaxValue);
        }
    }

    /// <summary>Inodes that nobody uses are remembered up to this number. 1,000 or more.</summary>
    public int NodesMax { get; init; } = 200_000;

    /// <summary>Who wants to write waits for so long for others who have the file in their caches.</summary>
    public TimeSpan LeaseWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Who appends to a file that others write too waits for his turn so long; then EIO.</summary>
    public TimeSpan AppendPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// So long a program has to ask for what comes next, before what is behind the end is told to be that.
    /// </summary>
    internal TimeSpan ReadOnWait { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>
    /// Content that has to be forgotten by the kernel is waited for so long: pages may be locked by a write that waits
    /// for another client, who waits for this.
    /// </summary>
    public TimeSpan ForgetWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The kernel keeps names for so long at most. To forget one before it needs the lock of the directory, which
    /// may be held by a request that waits for another client, who waits for this: so whoever gives the directory up
    /// waits for this time instead, if need be.
    /// </summary>
    public TimeSpan NamesValid { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A program that found a file by its name opens it within so long.</summary>
    public TimeSpan OpensAfterLookup { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A directory that others wanted is told without such a time for so long: nobody waits for its names then.
    /// </summary>
    public TimeSpan SharedTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// What others wait for is sent within so long; then it is lost, and told to be. The metaservers end the session of
    /// one who takes 20 s, and with it all that is not sent.
    /// </summary>
    public TimeSpan GiveUpLimit { get; init; } = TimeSpan.FromSeconds(12);

    /// <summary>What is changed here within so long goes together, unless somebody waits for it.</summary>
    public TimeSpan Gathering { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Numbers for new inodes are reserved so many at a time: 64 to 65,536.</summary>
    public int InodesAtOnce { get; init; } = 8_192;

    /// <summary>Changes that are on their way are waited for so long; then EIO, and they stay on their way.</summary>
    public TimeSpan SendPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>At the end, changes of names that are on their way are waited for so long.</summary>
    public TimeSpan EndLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Content of new files that is kept here until it is sent, in bytes: beyond it writes wait.</summary>
    public long UnsentBytesMax { get; init; } = 64 << 20;

    /// <summary>Content of short files that is kept to be read again, in bytes.</summary>
    public long ContentCacheBytes { get; init; } = 64 << 20;

    /// <summary>Told of what could not be done since the cluster did not: for logs.</summary>
    public Action<DistFsException>? Failed { get; init; }

    /// <summary>Time and timers.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
