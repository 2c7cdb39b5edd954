using static DistFS.Linearizability.NamespaceInput;
using static DistFS.Linearizability.NamespaceOutput;

namespace DistFS.Linearizability.Tests;

public sealed partial class NamespaceModelTests
{
    [Fact]
    public void Legal_one_of_two_creators_wins() => Legal(
        Op(1, 0, 30, CreateExclusive("/a"), AlreadyExists),
        Op(2, 10, 40, CreateExclusive("/a"), File(2)),
        Op(3, 50, 60, Lookup("/a"), File(2, links: 1)));

    [Fact]
    public void Legal_both_creators_win_if_the_name_was_removed_between() => Legal(
        Op(1, 0, 90, CreateExclusive("/a"), File(1)),
        Op(2, 10, 80, CreateExclusive("/a"), File(2)),
        Op(3, 20, 70, Unlink("/a"), Ok),
        Op(3, 95, 99, Lookup("/a"), File(1)));

    [Fact]
    public void Legal_rename_is_seen_at_one_moment() => Legal(
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 90, Rename("/a", "/b"), Ok),
        Op(2, 30, 40, Lookup("/a"), File(1)),
        Op(2, 50, 60, List("/"), Listed("b")),
        Op(3, 70, 80, Lookup("/a"), NotFound));

    [Fact]
    public void Legal_renames_swap_two_files_by_a_third_name() => Legal(
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 12, 15, CreateExclusive("/b"), File(2)),
        Op(1, 20, 90, Rename("/t", "/b"), Ok),
        Op(2, 30, 80, Rename("/b", "/a"), Ok),
        Op(3, 40, 70, Rename("/a", "/t"), Ok),
        Op(4, 100, 110, Lookup("/a"), File(2)),
        Op(4, 120, 130, Lookup("/b"), File(1)));

    [Fact]
    public void Legal_link_of_a_file_whatever_its_names_are_by_then() => Legal(
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 50, Rename("/a", "/b"), Ok),
        Op(2, 30, 60, LinkFile(1, "/c"), Ok),
        Op(2, 70, 80, LinkFile(1, "/b"), AlreadyExists),
        Op(1, 90, 100, Unlink("/b"), Ok),
        Op(1, 110, 120, Lookup("/c"), File(1, links: 1)),
        Op(1, 130, 140, Unlink("/c"), Ok),
        Op(2, 150, 160, LinkFile(1, "/d"), NotFound));

    /// <summary>POSIX rename: names of the same file stay, both.</summary>
    [Fact]
    public void Legal_rename_of_a_link_over_its_file_does_nothing() => Legal(
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 30, Link("/a", "/b"), Ok),
        Op(1, 40, 50, Rename("/a", "/b"), Ok),
        Op(2, 60, 70, List("/"), Listed("b", "a")));

    [Fact]
    public void Legal_rename_to_itself_does_nothing() => Legal(
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 40, 50, Rename("/a", "/a"), Ok),
        Op(2, 60, 70, Lookup("/a"), File(1, links: 1)));

    [Fact]
    public void Legal_inode_is_used_again_after_its_file_is_gone() => Legal(
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 30, Unlink("/a"), Ok),
        Op(2, 40, 50, CreateExclusive("/b"), File(1)));

    [Fact]
    public void Legal_pending_create_happens_late_and_its_inode_is_learnt() => Legal(
        Open(1, 0, CreateExclusive("/a")),
        Op(2, 10, 20, Lookup("/a"), NotFound),
        Op(2, 30, 40, List("/"), Listed("a")),
        Op(2, 50, 60, Link("/a", "/b"), Ok),
        Op(2, 70, 80, Lookup("/b"), File(4, links: 2)),
        Op(2, 90, 95, Lookup("/a"), File(4)));

    [Fact]
    public void Legal_pending_unlink_and_create_replace_a_file() => Legal(
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Open(2, 20, CreateExclusive("/a")),
        Open(3, 22, Unlink("/a")),
        Op(4, 30, 40, Lookup("/a"), File(1)),
        Op(4, 50, 60, Lookup("/a"), File(2)));

    [Fact]
    public void Legal_pending_rename_never_happens() => Legal(
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Open(1, 20, Rename("/a", "/b")),
        Op(2, 30, 40, Unlink("/a"), Ok),
        Op(2, 50, 60, List("/"), Listed()));

    /// <summary>Both conditions hold; POSIX leaves open which error is given.</summary>
    [Fact]
    public void Legal_link_gives_either_of_two_errors() => Legal(
        Op(1, 0, 10, CreateExclusive("/b"), File(1)),
        Op(1, 20, 30, Link("/a", "/b"), NotFound),
        Op(1, 40, 50, Link("/a", "/b"), AlreadyExists));

    /// <summary>The name of a directory is not a prefix of another directory's names.</summary>
    [Fact]
    public void Legal_list_is_of_one_directory() => Legal(
        Op(1, 0, 10, CreateExclusive("/d/a"), File(1)),
        Op(1, 20, 30, CreateExclusive("/de/b"), File(2)),
        Op(1, 40, 50, CreateExclusive("/c"), File(3)),
        Op(2, 60, 70, List("/d"), Listed("a")),
        Op(2, 80, 90, List("/"), Listed("c")));
}
