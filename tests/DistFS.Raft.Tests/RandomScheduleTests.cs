using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests;

/// <summary>
/// Thousands of short random lives: loss, duplication, reordering, crashes with half-written disks, cuts, changes of
/// the members, snapshots, corruption found at a start. What must hold is in <see cref="Oracle"/>.
/// </summary>
public sealed class RandomScheduleTests
{
    private const int Batches = 20;
    private const int LivesPerBatch = 150;
    private const int LivesPerBug = 1000;
    private const int Steps = 400;

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nothing_is_lost_and_everything_settles(int batch)
    {
        for (var i = 0; i < LivesPerBatch; i++)
        {
            Live((ulong)((batch * LivesPerBatch) + i));
        }
    }

    [Theory]
    [InlineData(8555)]
    public void Seeds_that_found_a_defect_stay(ulong seed) => Live(seed);

    /// <summary>Each rule of consensus that is left out shows within a few hundred lives.</summary>
    [Theory]
    [InlineData(PlantedBug.VoteReplyBeforeFsync)]
    [InlineData(PlantedBug.VoteNotPersisted)]
    [InlineData(PlantedBug.ReadWithoutQuorum)]
    [InlineData(PlantedBug.ReadBeforeOwnNoOp)]
    [InlineData(PlantedBug.AppendReplyBeforeFsync)]
    [InlineData(PlantedBug.DuplicateAppendTruncates)]
    public void A_planted_bug_is_found(PlantedBug bug)
    {
        try
        {
            Teeth.Plant(bug);
            for (var seed = 0UL; seed < LivesPerBug; seed++)
            {
                if (Record.Exception(() => Live(seed)) != null)
                {
                    return;
                }
            }
        }
        finally
        {
            Teeth.Plant(PlantedBug.None);
        }

        Assert.Fail($"{bug} was not found in {LivesPerBug} lives");
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, Batches)];

    private static void Live(ulong seed)
    {
        try
        {
            new RandomSchedule(seed).Run(Steps);
        }
        catch (Exception e)
        {
            throw new Xunit.Sdk.XunitException($"seed {seed}: {e.Message}", e);
        }
    }
}
