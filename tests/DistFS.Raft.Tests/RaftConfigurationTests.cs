using DistFS.Raft.Tests.Harness;

namespace DistFS.Raft.Tests;

/// <summary>Who can decide, and that no two configurations that follow each other can decide apart (thesis,
/// 4.3).</summary>
public sealed class RaftConfigurationTests
{
    private const int IdsMax = 5;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    [InlineData(5, 3)]
    [InlineData(6, 4)]
    [InlineData(7, 4)]
    [InlineData(64, 33)]
    public void A_quorum_is_more_than_half(int voters, int quorum)
    {
        var configuration = TestCluster.Configuration(Enumerable.Range(1, voters).Select(id => (ulong)id));
        for (var agreeing = 0; agreeing <= voters; agreeing++)
        {
            Assert.Equal(agreeing >= quorum, configuration.HasQuorum(id => id.Value <= (ulong)agreeing));
            Assert.Equal(voters - agreeing < quorum, configuration.IsLost(id => id.Value <= (ulong)agreeing));
        }

        // Values 1, 2, ..., n: a quorum has reached the one that is quorum-th from above.
        Assert.Equal((ulong)(voters - quorum + 1), configuration.QuorumValue(id => id.Value));
    }

    [Fact]
    public void Nobody_decides_nothing()
    {
        Assert.False(RaftConfiguration.Empty.HasQuorum(_ => true));
        Assert.True(RaftConfiguration.Empty.IsLost(_ => false));
        Assert.Equal(0UL, RaftConfiguration.Empty.QuorumValue(_ => 9));
        Assert.False(TestCluster.Configuration([], [1, 2]).HasQuorum(_ => true));
    }

    /// <summary>
    /// Every way from every configuration of up to five members to every other, and every set that can decide.
    /// </summary>
    [Fact]
    public void Configurations_that_follow_each_other_share_a_member_in_every_two_quorums()
    {
        var all = All().ToList();
        foreach (var from in all)
        {
            foreach (var to in all)
            {
                var on = from.Towards(to);
                Assert.True(ShareQuorums(Quorums(from), Quorums(on)), $"{from} and {on}");
                if (!on.IsJoint)
                {
                    Assert.Equal(to, on);
                    continue;
                }

                var left = on.LeaveJoint();
                Assert.Equal(to, left);
                Assert.True(ShareQuorums(Quorums(on), Quorums(left)), $"{on} and {left}");
            }
        }
    }

    /// <summary>A joint decision is a decision of both: of sets, and of values.</summary>
    [Fact]
    public void A_joint_quorum_is_a_quorum_of_both()
    {
        var all = All().ToList();
        var prng = new Prng(4);
        for (var i = 0; i < 3000; i++)
        {
            var (from, to) = (all[prng.NextInt32(all.Count)], all[prng.NextInt32(all.Count)]);
            var on = from.Towards(to);
            var values = Enumerable.Range(0, IdsMax + 1).Select(_ => prng.NextBelow(10)).ToArray();
            ulong Value(MemberId id) => values[id.Value];
            var least = prng.NextBelow(10);
            bool Agrees(MemberId id) => Value(id) >= least;
            Assert.Equal(from.HasQuorum(Agrees) && to.HasQuorum(Agrees), on.HasQuorum(Agrees));
            Assert.Equal(Math.Min(from.QuorumValue(Value), to.QuorumValue(Value)), on.QuorumValue(Value));
            Assert.Equal(on.QuorumValue(Value) >= least, on.HasQuorum(Agrees));
            Assert.Equal(on, RoundTrip(on));
        }
    }

    [Fact]
    public void Learners_and_addresses_change_without_a_joint_configuration()
    {
        var now = TestCluster.Configuration([1, 2, 3], [4]);
        Assert.False(now.Towards(TestCluster.Configuration([1, 2, 3], [5, 6])).IsJoint);
        var moved = new RaftConfiguration(now.Members.Select(member => member with { Address = "elsewhere" }));
        Assert.Equal(moved, now.Towards(moved));
        Assert.True(now.Towards(TestCluster.Configuration([1, 2, 3, 4])).IsJoint);
        Assert.True(now.Towards(TestCluster.Configuration([1, 2], [3, 4])).IsJoint);
    }

    [Fact]
    public void Ids_are_unique_not_zero_and_few()
    {
        Assert.Throws<ArgumentException>(() => TestCluster.Configuration([1, 1]));
        Assert.Throws<ArgumentException>(() => TestCluster.Configuration([0]));
        Assert.Throws<ArgumentException>(() =>
            TestCluster.Configuration(Enumerable.Range(1, 65).Select(id => (ulong)id)));
    }

    [Fact]
    public void The_order_of_members_does_not_matter()
    {
        var (a, b) = (TestCluster.Configuration([1, 2, 3]), TestCluster.Configuration([3, 1, 2]));
        Assert.Equal(a, b);
        Assert.Equal(a.GetHashCode(), b.GetHashCode());
        Assert.NotEqual(a, TestCluster.Configuration([1, 2], [3]));
        Assert.Equal("{m1 m2 m3}", a.ToString());
    }

    private static IEnumerable<RaftConfiguration> All()
    {
        // Each member is absent, a learner or a voter.
        for (var code = 0; code < Math.Pow(3, IdsMax); code++)
        {
            var (voters, learners) = (new List<ulong>(), new List<ulong>());
            for (int id = 1, rest = code; id <= IdsMax; id++, rest /= 3)
            {
                (rest % 3 == 1 ? learners : rest % 3 == 2 ? voters : null)?.Add((ulong)id);
            }

            if (voters.Count > 0)
            {
                yield return TestCluster.Configuration(voters, learners);
            }
        }
    }

    // Bit i of a set is member i + 1.
    private static List<int> Quorums(RaftConfiguration configuration)
    {
        var quorums = new List<int>();
        for (var set = 0; set < 1 << IdsMax; set++)
        {
            if (configuration.HasQuorum(id => (set >> ((int)id.Value - 1) & 1) == 1))
            {
                quorums.Add(set);
            }
        }

        return quorums;
    }

    private static bool ShareQuorums(List<int> one, List<int> other)
    {
        foreach (var a in one)
        {
            foreach (var b in other)
            {
                if ((a & b) == 0)
                {
                    return false;
                }
            }
        }

        return one.Count > 0 && other.Count > 0;
    }

    private static RaftConfiguration RoundTrip(RaftConfiguration configuration)
    {
        Assert.True(RaftCodec.TryDecode(RaftCodec.Encode(configuration), out var read, out var fault), fault);
        return read;
    }
}
