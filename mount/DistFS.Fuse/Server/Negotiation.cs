namespace DistFS.Fuse;

/// <summary>What INIT comes to.</summary>
internal enum InitOutcome
{
    /// <summary>Agreed; the reply says on what.</summary>
    Agreed,

    /// <summary>The kernel is of a later major version: it will ask again in ours.</summary>
    AskAgain,

    /// <summary>Refused; the error says why.</summary>
    Refused,
}

/// <summary>The reply to INIT, as a function of the request and the options.</summary>
internal readonly record struct Negotiation(
    InitOutcome Outcome, FuseInitOut Reply, FuseNegotiated? Agreed, Errno Error, string? Reason)
{
    public const uint Major = 7;
    public const uint MinorMin = 31;
    public const uint MinorMax = 45;

    /// <summary>struct fuse_init_in is longer from here on, and has flags2.</summary>
    public const uint MinorOfFlags2 = 36;

    public static Negotiation Compute(in FuseInitIn offer, FuseOptions options)
    {
        if (offer.Major > Major)
        {
            return new Negotiation(InitOutcome.AskAgain, Version(MinorMax), null, Errno.None, null);
        }

        if (offer.Major < Major || offer.Minor < MinorMin)
        {
            return Refuse(
                $"The kernel speaks FUSE {offer.Major}.{offer.Minor}; {Major}.{MinorMin} is needed (Linux 5.4).");
        }

        var minor = Math.Min(offer.Minor, MinorMax);
        var offered = (FuseFeatures)offer.Flags;
        if (offered.HasFlag(FuseFeatures.InitExtended) && minor >= MinorOfFlags2)
        {
            offered |= (FuseFeatures)((ulong)offer.Flags2 << 32);
        }

        var missing = options.RequiredFeatures & ~offered;
        if (missing != 0)
        {
            return Refuse($"The kernel lacks {missing}, which this file system cannot do without.");
        }

        if (!offered.HasFlag(FuseFeatures.MaxPages) && options.WriteBytesMax > 32 * FuseOptions.PageBytes)
        {
            return Refuse("The kernel lacks MaxPages: set FuseOptions.WriteBytesMax to 128 KiB at most.");
        }

        return Agree(offer, minor, offered & options.Wanted, options);
    }

    private static Negotiation Agree(in FuseInitIn offer, uint minor, FuseFeatures agreed, FuseOptions options)
    {
        var readAhead = Math.Min(offer.MaxReadAhead, (uint)options.ReadAheadBytesMax);
        var reply = Version(minor);
        reply.MaxReadAhead = readAhead;
        reply.Flags = (uint)agreed;
        reply.Flags2 = (uint)((ulong)agreed >> 32);
        reply.MaxBackground = (ushort)options.BackgroundMax;
        reply.CongestionThreshold = (ushort)options.CongestionThreshold;
        reply.MaxWrite = (uint)options.WriteBytesMax;
        reply.TimeGranularityNs = 1;
        reply.MaxPages = (ushort)(options.WriteBytesMax / FuseOptions.PageBytes);
        return new Negotiation(
            InitOutcome.Agreed,
            reply,
            new FuseNegotiated(minor, agreed, options.WriteBytesMax, (int)readAhead),
            Errno.None,
            null);
    }

    private static FuseInitOut Version(uint minor) => new() { Major = Major, Minor = minor };

    private static Negotiation Refuse(string reason) =>
        new(InitOutcome.Refused, default, null, Errno.EPROTO, reason);
}
