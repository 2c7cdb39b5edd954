using System.Runtime.CompilerServices;
using FsCheck;
using FsCheck.Fluent;

namespace DistFS.Primitives.Tests;

public sealed class IdsTests
{
    [Fact]
    public void An_inode_is_a_partition_and_a_number()
    {
        var id = InodeId.Of(0xFFF, (1UL << 52) - 1);
        Assert.Equal(ulong.MaxValue, id.Value);
        Assert.Equal(0xFFF, id.Partition);
        Assert.Equal((1UL << 52) - 1, id.Number);
        Assert.Equal(new InodeId(1), InodeId.Root);
        Assert.Equal("ino1", InodeId.Root.ToString());
        Assert.Equal("ino3:9", InodeId.Of(3, 9).ToString());
    }

    [Fact]
    public void Every_inode_is_joined_from_its_parts() => Prop.ForAll(
        (ulong value) => InodeId.Of(new InodeId(value).Partition, new InodeId(value).Number).Value == value)
        .QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(4096, 0)]
    [InlineData(0, 1UL << 52)]
    public void Parts_out_of_range_are_refused(int partition, ulong number) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => InodeId.Of(partition, number));

    [Fact]
    public void Ids_print_short_and_distinct()
    {
        var texts = new[]
        {
            new MemberId(5).ToString(), new ServerId(5).ToString(), new Term(5).ToString(), new LogIndex(5).ToString(),
            new InodeId(5).ToString(), new ChunkId(5).ToString(), new ChunkVersion(5).ToString(),
            new BlockIndex(5).ToString(), new ClientId(5).ToString(), new SequenceNumber(5).ToString(),
        };
        Assert.Equal(["m5", "s5", "t5", "i5", "ino5", "c5", "v5", "b5", "k5", "#5"], texts);
        Assert.Equal("000000000000000000000000000000ff", new ClusterId(255).ToString());
    }

    [Fact]
    public void Terms_and_indices_are_ordered()
    {
        Assert.True(new Term(1) < new Term(2) && new Term(2) > new Term(1));
        Assert.True(new Term(2) <= new Term(2) && new Term(2) >= new Term(2));
        Assert.True(new LogIndex(1) < new LogIndex(2) && new LogIndex(2) > new LogIndex(1));
        Assert.True(new LogIndex(2) <= new LogIndex(2) && new LogIndex(2) >= new LogIndex(2));
        Assert.True(new Term(1).CompareTo(new Term(ulong.MaxValue)) < 0);
        Assert.True(new LogIndex(1).CompareTo(new LogIndex(ulong.MaxValue)) < 0);
    }

    [Fact]
    public void Ids_cost_what_their_numbers_cost()
    {
        Assert.Equal(16, Unsafe.SizeOf<ClusterId>());
        Assert.Equal(8, Unsafe.SizeOf<InodeId>());
        Assert.Equal(8, Unsafe.SizeOf<ChunkId>());
        Assert.Equal(4, Unsafe.SizeOf<ChunkVersion>());
        Assert.Equal(4, Unsafe.SizeOf<ServerId>());
    }
}
