using System.Runtime.CompilerServices;

namespace DistFS.Fuse.Tests.Server;

/// <summary>The reply to INIT is a function of the offer and the options.</summary>
public sealed class NegotiationTests
{
    private static readonly FuseOptions Options = new()
    {
        Features = FuseFeatures.AsyncRead | FuseFeatures.ParallelDirectoryOperations | FuseFeatures.NoExportSupport,
    };

    [Fact]
    public void Only_what_both_sides_know_is_agreed_on()
    {
        var all = Compute(Offer(45, ulong.MaxValue));
        Assert.Equal(InitOutcome.Agreed, all.Outcome);
        Assert.Equal(
            Options.Features | FuseFeatures.BigWrites | FuseFeatures.MaxPages | FuseFeatures.InitExtended
            | FuseFeatures.AbortError | FuseFeatures.SetXattrExtended | FuseFeatures.HasExpireOnly,
            all.Agreed!.Features);
        Assert.Equal((ulong)all.Agreed.Features, all.Reply.Flags | ((ulong)all.Reply.Flags2 << 32));
        var few = Compute(Offer(45, (ulong)(FuseFeatures.AsyncRead | FuseFeatures.MaxPages)));
        Assert.Equal(FuseFeatures.AsyncRead | FuseFeatures.MaxPages, few.Agreed!.Features);
    }

    [Fact]
    public void What_is_not_carried_is_never_agreed_on()
    {
        // FILE_OPS, SPLICE_*, IOCTL_DIR, DAX, SUBMOUNTS, SECURITY_CTX, PASSTHROUGH, RESEND, IDMAP, io_uring and others.
        int[] bits = [2, 7, 8, 9, 11, 26, 27, 31, 32, 33, 37, 39, 40, 41, 42, 50, 63];
        var agreed = (ulong)Compute(Offer(45, ulong.MaxValue)).Agreed!.Features;
        Assert.All(bits, bit =>
        {
            Assert.Equal(0UL, agreed & (1UL << bit));
            Assert.Throws<ArgumentException>(() =>
                (Options with { Features = (FuseFeatures)(1UL << bit) }).Validate(new ScriptedFileSystem()));
        });
    }

    [Theory]
    [InlineData(31, 31)]
    [InlineData(38, 38)]
    [InlineData(45, 45)]
    [InlineData(99, 45)]
    public void The_lower_minor_counts(uint theirs, uint expected)
    {
        var negotiation = Compute(Offer(theirs, ulong.MaxValue));
        Assert.Equal(expected, negotiation.Agreed!.Minor);
        Assert.Equal(expected, negotiation.Reply.Minor);
        Assert.Equal(theirs >= 36, negotiation.Agreed.Has(FuseFeatures.NoExportSupport));
    }

    [Fact]
    public void Limits_are_those_of_1_MiB_requests()
    {
        var reply = Compute(Offer(45, ulong.MaxValue)).Reply;
        Assert.Equal((1u << 20, (ushort)256, 1u << 20), (reply.MaxWrite, reply.MaxPages, reply.MaxReadAhead));
        Assert.Equal(
            ((ushort)64, (ushort)48, 1u), (reply.MaxBackground, reply.CongestionThreshold, reply.TimeGranularityNs));
        Assert.Equal(64, Unsafe.SizeOf<FuseInitOut>());
        var offer = Offer(45, ulong.MaxValue);
        offer.MaxReadAhead = 4096;
        Assert.Equal(4096u, Compute(offer).Reply.MaxReadAhead);
    }

    [Fact]
    public void A_later_major_is_asked_to_come_again_and_an_earlier_one_is_refused()
    {
        var offer = Offer(0, ulong.MaxValue);
        offer.Major = 8;
        Assert.Equal(InitOutcome.AskAgain, Compute(offer).Outcome);
        Assert.Equal(7u, Compute(offer).Reply.Major);
        offer.Major = 6;
        Assert.Equal(InitOutcome.Refused, Compute(offer).Outcome);
        Assert.Contains("7.31", Compute(Offer(30, ulong.MaxValue)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_required_feature_that_is_missing_is_refused_by_name()
    {
        var required = Options with { RequiredFeatures = FuseFeatures.ExplicitInvalidateData };
        var refused = Negotiation.Compute(Offer(45, (ulong)FuseFeatures.MaxPages), required);
        Assert.Equal((InitOutcome.Refused, Errno.EPROTO), (refused.Outcome, refused.Error));
        Assert.Contains("ExplicitInvalidateData", refused.Reason, StringComparison.Ordinal);
        Assert.Equal(
            InitOutcome.Agreed, Negotiation.Compute(Offer(45, ulong.MaxValue), required).Outcome);
    }

    [Fact]
    public void Options_that_contradict_each_other_are_refused()
    {
        var files = new ScriptedFileSystem();
        FuseFeatures[] bad =
        [
            FuseFeatures.AutoInvalidateData | FuseFeatures.ExplicitInvalidateData,
            FuseFeatures.HandleKillPriv | FuseFeatures.HandleKillPrivV2,
            FuseFeatures.ReadDirPlusAuto,
            FuseFeatures.ExportSupport | FuseFeatures.NoExportSupport,
        ];
        Assert.All(bad, f => Assert.Throws<ArgumentException>(() => (Options with { Features = f }).Validate(files)));
        Assert.Throws<ArgumentException>(() => (Options with { WriteBytesMax = 5000 }).Validate(files));
        Assert.Throws<ArgumentException>(() => (Options with { WriteBytesMax = 2 << 20 }).Validate(files));
        Assert.Throws<ArgumentException>(() => (Options with { CongestionThreshold = 65 }).Validate(files));
        Assert.Throws<ArgumentException>(() => (Options with { InFlightBytesMax = 4096 }).Validate(files));
        Assert.Same(Options, Options.Validate(files));
    }

    [Fact]
    public async Task The_server_refuses_aloud()
    {
        var world = World.Create(o => o with { RequiredFeatures = FuseFeatures.PosixAcl });
        Assert.Equal(Errno.EPROTO, (await world.Kernel.Init(45, (ulong)FuseFeatures.MaxPages)).Error);
        var error = await Assert.ThrowsAsync<FuseException>(() => world.Server.Ready.WaitAsync(MemoryKernel.Limit));
        Assert.Contains("PosixAcl", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<FuseException>(() => world.Server.Completion.WaitAsync(MemoryKernel.Limit));
        Assert.Equal(0, world.Files.Destroyed);
        await world.DisposeAsync();
    }

    private static Negotiation Compute(FuseInitIn offer) => Negotiation.Compute(offer, Options);

    private static FuseInitIn Offer(uint minor, ulong features) => new()
    {
        Major = 7,
        Minor = minor,
        MaxReadAhead = 4 << 20,
        Flags = (uint)features,
        Flags2 = (uint)(features >> 32),
    };
}
