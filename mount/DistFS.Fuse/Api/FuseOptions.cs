namespace DistFS.Fuse;

/// <summary>How a server of the protocol works; what the file system honours.</summary>
public sealed record FuseOptions
{
    /// <summary>Pages of the largest request: 1 MiB.</summary>
    internal const int PagesMax = 256;

    internal const int PageBytes = 4096;

    private const FuseFeatures Own =
        FuseFeatures.BigWrites | FuseFeatures.MaxPages | FuseFeatures.InitExtended | FuseFeatures.AbortError
        | FuseFeatures.SetXattrExtended | FuseFeatures.HasExpireOnly;

    private const FuseFeatures Carried = Own
        | FuseFeatures.AsyncRead | FuseFeatures.PosixLocks | FuseFeatures.AtomicOpenTruncate
        | FuseFeatures.ExportSupport | FuseFeatures.DontMask | FuseFeatures.FlockLocks
        | FuseFeatures.AutoInvalidateData | FuseFeatures.ReadDirPlus | FuseFeatures.ReadDirPlusAuto
        | FuseFeatures.AsyncDirectIo | FuseFeatures.WritebackCache | FuseFeatures.NoOpenSupport
        | FuseFeatures.ParallelDirectoryOperations | FuseFeatures.HandleKillPriv | FuseFeatures.PosixAcl
        | FuseFeatures.CacheSymLinks | FuseFeatures.NoOpenDirSupport | FuseFeatures.ExplicitInvalidateData
        | FuseFeatures.HandleKillPrivV2 | FuseFeatures.CreateSupplementaryGroup | FuseFeatures.DirectIoAllowMmap
        | FuseFeatures.NoExportSupport;

    /// <summary>What the file system honours. Agreed on is what the kernel offers of it.</summary>
    public FuseFeatures Features { get; init; } = FuseFeatures.AsyncRead | FuseFeatures.ParallelDirectoryOperations;

    /// <summary>What it cannot do without: a kernel that lacks one of these is refused.</summary>
    public FuseFeatures RequiredFeatures { get; init; }

    /// <summary>Largest WRITE, in bytes: whole pages, at most 1 MiB. Default 1 MiB.</summary>
    public int WriteBytesMax { get; init; } = 1 << 20;

    /// <summary>The kernel reads ahead at most so many bytes. Default 1 MiB.</summary>
    public int ReadAheadBytesMax { get; init; } = 1 << 20;

    /// <summary>Background requests (read-ahead, asynchronous direct access) at a time. Default 64.</summary>
    public int BackgroundMax { get; init; } = 64;

    /// <summary>
    /// From so many background requests on, the kernel takes the file system for congested. Default 48.
    /// </summary>
    public int CongestionThreshold { get; init; } = 48;

    /// <summary>Threads that read requests, each from a descriptor of its own. Default 2 to 4, by processors.</summary>
    public int Readers { get; init; } = Math.Clamp(Environment.ProcessorCount, 2, 4);

    /// <summary>
    /// Bytes of requests that are taken and not answered, with what reads ask for; beyond it, readers pause
    /// (docs/design/fuse.md). Default 128 MiB.
    /// </summary>
    public long InFlightBytesMax { get; init; } = 128L << 20;

    /// <summary>
    /// Beyond <see cref="InFlightBytesMax"/>, one request more is taken after each such time. Default 50 ms.
    /// </summary>
    public TimeSpan OverloadPause { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>A request that may not wait and is older than this is told to the observer. Default 60 s.</summary>
    public TimeSpan SlowAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>At the end, answers are waited for so long. Default 5 s.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Notifications that wait for the kernel. Default 4,096.</summary>
    public int NotificationsMax { get; init; } = 4096;

    /// <summary>
    /// Threads that tell the kernel to forget content, each from a descriptor of its own: so many inodes whose pages
    /// somebody has locked hold up no other. Default 8.
    /// </summary>
    public int ContentNotifiers { get; init; } = 8;

    /// <summary>Is told of what goes wrong without anybody who could be answered.</summary>
    public IFuseObserver? Observer { get; init; }

    internal FuseFeatures Wanted => Features | RequiredFeatures | Own;

    internal int BufferBytes => WriteBytesMax + PageBytes;

    /// <summary>Returns itself when every value is in range, and fits the file system.</summary>
    /// <exception cref="ArgumentException">Names the value, and says what it may be.</exception>
    public FuseOptions Validate(IFuseFileSystem fileSystem)
    {
        var wanted = Wanted;
        Require((wanted & ~Carried) == 0, nameof(Features), $"without {wanted & ~Carried}, which is not carried");
        RequireNotBoth(FuseFeatures.AutoInvalidateData, FuseFeatures.ExplicitInvalidateData);
        RequireNotBoth(FuseFeatures.HandleKillPriv, FuseFeatures.HandleKillPrivV2);
        RequireNotBoth(FuseFeatures.ExportSupport, FuseFeatures.NoExportSupport);
        Require(
            !Wants(FuseFeatures.ReadDirPlusAuto) || Wants(FuseFeatures.ReadDirPlus),
            nameof(Features),
            "with ReadDirPlus where ReadDirPlusAuto is");
        Require(
            (wanted & (FuseFeatures.PosixLocks | FuseFeatures.FlockLocks)) == 0 || fileSystem is IFuseLocks,
            nameof(Features),
            "without locks, since the file system is no IFuseLocks");
        Require(
            !Wants(FuseFeatures.ReadDirPlus) || fileSystem is IFuseDirectories,
            nameof(Features),
            "without ReadDirPlus, since the file system is no IFuseDirectories");
        Require(
            WriteBytesMax is >= PageBytes and <= PagesMax * PageBytes && WriteBytesMax % PageBytes == 0,
            nameof(WriteBytesMax),
            "4 KiB to 1 MiB in whole pages");
        Require(ReadAheadBytesMax >= 0, nameof(ReadAheadBytesMax), "0 or more");
        Require(BackgroundMax is >= 1 and <= ushort.MaxValue, nameof(BackgroundMax), "1 to 65,535");
        Require(
            CongestionThreshold >= 1 && CongestionThreshold <= BackgroundMax,
            nameof(CongestionThreshold),
            "1 to BackgroundMax");
        Require(Readers is >= 1 and <= 64, nameof(Readers), "1 to 64");
        Require(InFlightBytesMax >= BufferBytes, nameof(InFlightBytesMax), "at least one request of the largest size");
        Require(OverloadPause > TimeSpan.Zero, nameof(OverloadPause), "positive");
        Require(SlowAfter > TimeSpan.Zero, nameof(SlowAfter), "positive");
        Require(DrainTimeout >= TimeSpan.Zero, nameof(DrainTimeout), "not negative");
        Require(NotificationsMax >= 1, nameof(NotificationsMax), "at least 1");
        Require(ContentNotifiers is >= 1 and <= 64, nameof(ContentNotifiers), "1 to 64");
        return this;
    }

    private bool Wants(FuseFeatures feature) => (Wanted & feature) != 0;

    private void RequireNotBoth(FuseFeatures one, FuseFeatures other) =>
        Require(!(Wants(one) && Wants(other)), nameof(Features), $"with one of {one} and {other} at most");

    private static void Require(bool holds, string name, string range)
    {
        if (!holds)
        {
            throw new ArgumentException($"FuseOptions.{name} must be {range}.");
        }
    }
}

/// <summary>
/// Is told what nobody else can be told. Called on threads of the server: it must not block and not throw.
/// </summary>
public interface IFuseObserver
{
    /// <summary>A handler or a caller of this library broke its contract; the request was answered with EIO.</summary>
    void Defect(Opcode opcode, ulong unique, string what, Exception? error);

    /// <summary>A request is not answered for a long time. Once per request.</summary>
    void Slow(Opcode opcode, ulong unique, TimeSpan age);
}

/// <summary>What INIT agreed on.</summary>
/// <param name="Minor">Version 7.x, the lower one of both sides.</param>
/// <param name="Features">Of both sides.</param>
/// <param name="WriteBytesMax">Largest WRITE.</param>
/// <param name="ReadAheadBytesMax">As the kernel may read ahead.</param>
public sealed record FuseNegotiated(uint Minor, FuseFeatures Features, int WriteBytesMax, int ReadAheadBytesMax)
{
    /// <summary>Whether a feature was agreed on.</summary>
    public bool Has(FuseFeatures feature) => (Features & feature) == feature;
}
