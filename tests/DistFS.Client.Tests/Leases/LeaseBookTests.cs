using DistFS.Client.Leases;

namespace DistFS.Client.Tests.Leases;

/// <summary>What a client may believe of its leases, and when it must not (docs/design/leases.md).</summary>
public sealed class LeaseBookTests
{
    private const long LeaseMs = 8_000;
    private static readonly InodeId One = new(1);
    private static readonly InodeId Two = new(2);

    [Fact]
    public void A_lease_counts_from_when_its_keep_alive_was_sent_and_an_eighth_less()
    {
        var book = Begun();
        Have(book, One, LeaseMode.Read, 1);
        Assert.Equal(LeaseMode.Read, book.ModeOf(One, 6_999));
        Assert.Equal(LeaseMode.None, book.ModeOf(One, 7_000));
        book.Renewed(3_000);
        Assert.Equal(LeaseMode.Read, book.ModeOf(One, 9_999));
        Assert.Equal(1, book.BelievedMs(9_999));

        // One that was sent before says nothing new.
        book.Renewed(1_000);
        Assert.Equal(LeaseMode.Read, book.ModeOf(One, 9_999));
    }

    [Fact]
    public void Before_the_first_keep_alive_nothing_is_believed()
    {
        var book = new LeaseBook(LeaseMs);
        book.Saw(1);
        Have(book, One, LeaseMode.Write, 1);
        Assert.Equal(LeaseMode.None, book.ModeOf(One, 0));
    }

    [Fact]
    public void What_is_recalled_is_not_used_from_then_on_and_is_answered_when_it_is_given_up()
    {
        var book = Begun();
        Have(book, One, LeaseMode.Write, 7);
        Assert.True(book.Recalled(1, One, 7, LeaseMode.Read));
        Assert.Equal((LeaseMode.Read, 1UL), (book.ModeOf(One, 0), book.Seen));
        Assert.Equal(new LeaseAnswer(One, 1, 7, LeaseMode.Read), book.GaveUp(One, LeaseMode.Read));
        Assert.True(book.Recalled(2, One, 7, LeaseMode.None));
        Assert.Equal(LeaseMode.None, book.ModeOf(One, 0));
        Assert.Equal(new LeaseAnswer(One, 1, 7, LeaseMode.None), book.GaveUp(One, LeaseMode.None));
        Assert.Null(book.GaveUp(One, LeaseMode.None));
        Assert.Equal(0, book.Count);
    }

    /// <summary>A grant of an inode with the number of a recall, or a lower one, is void when it arrives.</summary>
    [Fact]
    public void A_grant_that_was_recalled_before_it_came_is_void()
    {
        var book = Begun();
        book.Ask(One);
        book.Ask(One);
        Assert.False(book.Recalled(1, One, 5, LeaseMode.None));
        Assert.Equal(LeaseMode.None, book.Answer(One, 1, LeaseMode.Read, 5));
        Assert.Equal(LeaseMode.Read, book.Answer(One, 1, LeaseMode.Read, 6));

        // Nobody asks any more: the memory of it is gone, and grants are not void for ever.
        Have(book, Two, LeaseMode.Read, 3);
        Assert.Equal(LeaseMode.Read, book.ModeOf(Two, 0));
    }

    [Fact]
    public void Of_two_grants_the_later_one_counts_in_whatever_order_they_come()
    {
        var book = Begun();
        book.Ask(One);
        book.Ask(One);
        Assert.Equal(LeaseMode.Write, book.Answer(One, 1, LeaseMode.Write, 9));
        Assert.Equal(LeaseMode.Write, book.Answer(One, 1, LeaseMode.Read, 8));
        Assert.True(book.Recalled(1, One, 9, LeaseMode.None));
        Assert.Equal(9UL, book.GaveUp(One, LeaseMode.None)!.Value.Grant);
    }

    [Fact]
    public void A_lease_to_read_becomes_one_to_write_under_its_name_and_never_the_other_way()
    {
        var book = Begun();
        Have(book, One, LeaseMode.Read, 7);
        Have(book, One, LeaseMode.Write, 7);
        Assert.Equal(LeaseMode.Write, book.ModeOf(One, 0));
        book.Ask(One);
        Assert.Equal(LeaseMode.Write, book.Answer(One, 1, LeaseMode.Read, 7));
    }

    [Fact]
    public void A_new_leader_is_told_of_leases_before_any_is_trusted()
    {
        var book = Begun();
        Have(book, One, LeaseMode.Write, 7);
        Have(book, Two, LeaseMode.Read, 8);
        Assert.True(book.Recalled(4, Two, 8, LeaseMode.None));
        Assert.True(book.Saw(2));
        Assert.False(book.Saw(2));
        Assert.False(book.Saw(1));
        Assert.Equal((true, 0UL), (book.MustReclaim, book.Seen));
        Assert.Equal(LeaseMode.None, book.ModeOf(One, 0));
        Assert.Equal(0, book.BelievedMs(0));
        Assert.Equal([(One, LeaseMode.Write), (Two, LeaseMode.Read)], book.ToReclaim().OrderBy(one => one.Inode.Value));
        Assert.Null(book.Reclaimed(One, LeaseMode.Write, 1));
        book.GaveUp(Two, LeaseMode.None);

        // Given up while it was reclaimed: the leader must not believe that it is held.
        Assert.Equal(new LeaseAnswer(Two, 2, 2, LeaseMode.None), book.Reclaimed(Two, LeaseMode.Read, 2));
        book.ReclaimEnded(2);
        Assert.Equal(LeaseMode.Write, book.ModeOf(One, 0));
    }

    [Fact]
    public void What_became_less_while_it_was_reclaimed_is_told_and_what_was_refused_is_gone()
    {
        var book = Begun();
        Have(book, One, LeaseMode.Write, 7);
        Have(book, Two, LeaseMode.Write, 8);
        book.Saw(2);
        book.GaveUp(One, LeaseMode.Read);
        Assert.Equal(new LeaseAnswer(One, 2, 3, LeaseMode.Read), book.Reclaimed(One, LeaseMode.Write, 3));
        Assert.Null(book.Reclaimed(Two, LeaseMode.Write, 0));
        book.ReclaimEnded(2);
        Assert.Equal((LeaseMode.Read, LeaseMode.None), (book.ModeOf(One, 0), book.ModeOf(Two, 0)));
    }

    /// <summary>The leader changed once more while all was reclaimed from the one before.</summary>
    [Fact]
    public void Reclaiming_from_a_leader_before_the_last_is_not_the_end_of_it()
    {
        var book = Begun();
        Have(book, One, LeaseMode.Read, 7);
        book.Saw(2);
        book.Saw(3);
        book.ReclaimEnded(2);
        Assert.True(book.MustReclaim);
        book.ReclaimEnded(3);
        Assert.False(book.MustReclaim);
    }

    [Fact]
    public void A_grant_of_another_epoch_is_none()
    {
        var book = Begun();
        book.Ask(One);
        book.Saw(2);
        Assert.Equal(LeaseMode.None, book.Answer(One, 1, LeaseMode.Read, 9));
        Assert.Equal(0, book.Count);
    }

    [Fact]
    public void Without_leases_a_new_leader_is_told_only_if_it_asks()
    {
        var book = Begun();
        Assert.True(book.Saw(2));
        Assert.False(book.MustReclaim);
        book.AskedToReclaim();
        Assert.True(book.MustReclaim);
        Assert.Empty(book.ToReclaim());
    }

    /// <summary>
    /// Given up while it was reclaimed, and asked for again: the leader may answer with the lease that it has taken
    /// over, which is on its way back.
    /// </summary>
    [Fact]
    public void A_grant_that_was_reclaimed_in_vain_is_void()
    {
        var book = Begun();
        Have(book, One, LeaseMode.Read, 7);
        book.Saw(2);
        book.GaveUp(One, LeaseMode.None);
        book.Ask(One);
        Assert.True(book.IsAsked(One));
        Assert.Equal(new LeaseAnswer(One, 2, 3, LeaseMode.None), book.Reclaimed(One, LeaseMode.Read, 3));
        Assert.Equal(LeaseMode.None, book.Answer(One, 2, LeaseMode.Read, 3));
        Assert.False(book.IsAsked(One));
    }

    [Fact]
    public void What_ends_has_nothing_any_more_whatever_comes()
    {
        var book = Begun();
        Have(book, One, LeaseMode.Write, 7);
        book.Ask(Two);
        Assert.Equal([new LeaseAnswer(One, 1, 7, LeaseMode.None)], book.End());
        book.Renewed(0);
        Assert.Equal(LeaseMode.None, book.Answer(Two, 1, LeaseMode.Read, 8));
        Assert.Equal((LeaseMode.None, 0L, 0), (book.ModeOf(Two, 0), book.BelievedMs(0), book.Count));
        Assert.Empty(book.End());

        // A leader that does not know the leases is told nothing of them: their numbers are another one's.
        book = Begun();
        Have(book, One, LeaseMode.Write, 7);
        book.Saw(2);
        Assert.Empty(book.End());
    }

    private static LeaseBook Begun()
    {
        var book = new LeaseBook(LeaseMs);
        book.Saw(1);
        book.Renewed(0);
        return book;
    }

    private static void Have(LeaseBook book, InodeId inode, LeaseMode mode, ulong grant)
    {
        book.Ask(inode);
        Assert.Equal(mode, book.Answer(inode, book.Epoch, mode, grant));
    }
}
