using DistFS.Primitives;
using Xunit.Abstractions;

namespace DistFS.Simulation.Tests.Running;

/// <summary>
/// The proof that the invariants bite: each planted bug is found by the same worlds that the product passes, within
/// 2,000 light seeds, or 400 of those with metadata. A usual run tries a few bugs; DISTFS_TEETH=full tries all.
/// </summary>
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    private const int SeedsMax = 2_000;

    // Worlds with metadata take longer, and find theirs sooner.
    private const int MetadataSeedsMax = 400;
    private const int SampleSeedsMax = 400;

    private static bool IsFull => Environment.GetEnvironmentVariable("DISTFS_TEETH") == "full";

    public static TheoryData<PlantedBug> Bugs => IsFull
        ? [.. Enum.GetValues<PlantedBug>().Where(bug => bug != PlantedBug.None)]
        :
        [
            PlantedBug.VoteReplyBeforeFsync,
            PlantedBug.OldTermCommittedByCount,
            PlantedBug.ReadBeforeOwnNoOp,
            PlantedBug.DuplicateAppendTruncates,
            PlantedBug.SnapshotWithoutSessions,
            PlantedBug.FsyncErrorIgnored,
            PlantedBug.CorruptLogTruncated,
            PlantedBug.ReplyNotSaved,
            PlantedBug.SessionRevived,
            PlantedBug.ExpiredSessionKeepsLocks,
            PlantedBug.LinksWrongOnReplace,
            PlantedBug.CutKeepsVersion,
            PlantedBug.DropKeepsVersion,
            PlantedBug.IndexFlushedApart,
            PlantedBug.GraceSkipped,
            PlantedBug.AcknowledgedBeforeTail,
            PlantedBug.DirtyBlockServed,
            PlantedBug.FencedWriteTaken,
            PlantedBug.UncleanNotMarked,
            PlantedBug.RepeatedWithGaps,
        ];

    [Theory]
    [MemberData(nameof(Bugs))]
    public void IsFound(PlantedBug bug)
    {
        var isMetadata = SimulationRunner.MachineOf(bug) == SimulationMachine.Metadata;
        var most = isMetadata ? MetadataSeedsMax : IsFull ? SeedsMax : SampleSeedsMax;
        var seeds = Enumerable.Range(1, most).Select(seed => (ulong)seed);
        var found = SimulationRunner.Find(bug, seeds);
        Assert.True(found != null, $"{bug} was not found");
        output.WriteLine($"seed {found.Seed}: {found.Failure}");
    }

    [Fact]
    public void ThisBuildHasTeeth() => Assert.True(Teeth.Compiled);
}
