using static DistFS.Linearizability.NamespaceInput;
using static DistFS.Linearizability.NamespaceOutput;

namespace DistFS.Linearizability.Tests;

public sealed partial class NamespaceModelTests()
    : CannedHistories<NamespaceState, NamespaceInput, NamespaceOutput>(new NamespaceModel())
{
    [Fact]
    public void Illegal_create_exclusive_succeeds_twice() => Illegal(
        1,
        Op(1, 0, 30, CreateExclusive("/a"), File(1)),
        Op(2, 10, 40, CreateExclusive("/a"), File(2)));

    [Fact]
    public void Illegal_name_exists_that_nobody_made() => Illegal(
        0,
        Op(1, 0, 10, CreateExclusive("/a"), AlreadyExists));

    [Fact]
    public void Illegal_two_files_have_one_inode() => Illegal(
        1,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(2, 20, 30, CreateExclusive("/b"), File(1)));

    [Fact]
    public void Illegal_unlinked_name_is_visible() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 30, Unlink("/a"), Ok),
        Op(2, 40, 50, Lookup("/a"), File(1)));

    [Fact]
    public void Illegal_name_is_unlinked_twice() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 40, Unlink("/a"), Ok),
        Op(2, 30, 50, Unlink("/a"), Ok));

    /// <summary>Rename as link and unlink, seen between the two.</summary>
    [Fact]
    public void Illegal_rename_shows_both_names() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 90, Rename("/a", "/b"), Ok),
        Op(2, 30, 40, List("/"), Listed("a", "b")));

    /// <summary>The same, by two look-ups: the new name is there, and after that the old one.</summary>
    [Fact]
    public void Illegal_rename_shows_the_old_name_after_the_new() => Illegal(
        3,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 90, Rename("/a", "/b"), Ok),
        Op(2, 30, 40, Lookup("/b"), File(1)),
        Op(2, 50, 60, Lookup("/a"), File(1)));

    /// <summary>Rename as unlink and link, seen between the two.</summary>
    [Fact]
    public void Illegal_rename_shows_neither_name() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 90, Rename("/a", "/b"), Ok),
        Op(2, 30, 40, List("/"), Listed()));

    /// <summary>POSIX: the new name exists at every moment of a rename over it.</summary>
    [Fact]
    public void Illegal_replaced_name_is_missing_during_rename() => Illegal(
        3,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 12, 15, CreateExclusive("/b"), File(2)),
        Op(1, 20, 90, Rename("/a", "/b"), Ok),
        Op(2, 30, 40, Lookup("/b"), NotFound));

    [Fact]
    public void Illegal_rename_leaves_the_replaced_file() => Illegal(
        3,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 12, 15, CreateExclusive("/b"), File(2)),
        Op(1, 20, 30, Rename("/a", "/b"), Ok),
        Op(2, 40, 50, Lookup("/b"), File(2)));

    [Fact]
    public void Illegal_file_is_renamed_to_two_names() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 50, Rename("/a", "/b"), Ok),
        Op(2, 30, 60, Rename("/a", "/c"), Ok));

    [Fact]
    public void Illegal_rename_between_directories_shows_both() => Illegal(
        3,
        Op(1, 0, 10, CreateExclusive("/d/a"), File(1)),
        Op(1, 20, 90, Rename("/d/a", "/e/a"), Ok),
        Op(2, 30, 40, List("/e"), Listed("a")),
        Op(2, 50, 60, List("/d"), Listed("a")));

    [Fact]
    public void Illegal_link_to_another_file() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 30, Link("/a", "/b"), Ok),
        Op(2, 40, 50, Lookup("/b"), File(2)));

    [Fact]
    public void Illegal_count_of_links_is_stale() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 30, Link("/a", "/b"), Ok),
        Op(2, 40, 50, Lookup("/a"), File(1, links: 1)));

    [Fact]
    public void Illegal_link_over_a_name() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 12, 15, CreateExclusive("/b"), File(2)),
        Op(1, 20, 30, Link("/a", "/b"), Ok));

    [Fact]
    public void Illegal_link_of_a_file_that_has_no_name_any_more() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 30, Unlink("/a"), Ok),
        Op(2, 40, 50, LinkFile(1, "/b"), Ok));

    [Fact]
    public void Illegal_link_of_a_file_that_has_a_name_finds_none() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Op(1, 20, 30, Rename("/a", "/b"), Ok),
        Op(2, 40, 50, LinkFile(1, "/c"), NotFound));

    [Fact]
    public void Illegal_list_misses_a_name() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/d/a"), File(1)),
        Op(2, 20, 30, CreateExclusive("/d/b"), File(2)),
        Op(3, 40, 50, List("/d"), Listed("b")));

    [Fact]
    public void Illegal_list_shows_a_name_twice() => Illegal(
        2,
        Op(1, 0, 10, CreateExclusive("/d/a"), File(1)),
        Op(2, 20, 30, CreateExclusive("/d/b"), File(2)),
        Op(3, 40, 50, List("/d"), Listed("a", "a")));

    [Fact]
    public void Illegal_pending_create_appears_and_disappears() => Illegal(
        2,
        Open(1, 0, CreateExclusive("/a")),
        Op(2, 10, 20, Lookup("/a"), File(1)),
        Op(2, 30, 40, Lookup("/a"), NotFound));

    /// <summary>Nobody knows the inode of a pending create, but it is one.</summary>
    [Fact]
    public void Illegal_pending_create_has_two_inodes() => Illegal(
        2,
        Open(1, 0, CreateExclusive("/a")),
        Op(2, 10, 20, Lookup("/a"), File(1)),
        Op(2, 30, 40, Lookup("/a"), File(2)));

    [Fact]
    public void Illegal_pending_rename_happens_by_half() => Illegal(
        3,
        Op(1, 0, 10, CreateExclusive("/a"), File(1)),
        Open(1, 20, Rename("/a", "/b")),
        Op(2, 30, 40, Lookup("/b"), File(1)),
        Op(3, 50, 60, Unlink("/a"), Ok));
}
