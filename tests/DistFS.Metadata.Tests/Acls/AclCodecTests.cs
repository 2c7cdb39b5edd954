using System.Buffers;
using DistFS.Metadata.Acls;
using DistFS.Metadata.Rows;

namespace DistFS.Metadata.Tests.Acls;

/// <summary>Lists as Linux has them (posix_acl_xattr.h) and as rows; acl_valid(3) for what is none.</summary>
public sealed class AclCodecTests
{
    private const string Full = "u::rwx,u:1000:r--,u:1:-w-,g::r-x,g:100:--x,m::rw-,o::---";

    /// <summary>As getfattr prints it after setfacl -m u:1000:r on a file of mode 0640.</summary>
    [Fact]
    public void The_value_that_Linux_has()
    {
        const string Golden = "02000000" + "01000600ffffffff" + "02000400e8030000" + "04000400ffffffff"
            + "10000400ffffffff" + "20000000ffffffff";
        var value = AclText.Value("u::rw-,u:1000:r--,g::r--,m::r--,o::---");
        Assert.Equal(Golden, Convert.ToHexStringLower(value));
        Assert.Equal("u::rw-,u:1000:r--,g::r--,m::r--,o::---", AclText.Text(Convert.FromHexString(Golden)));
        Assert.Equal(Full, AclText.Text(AclText.Value(Full)));
    }

    [Fact]
    public void The_row()
    {
        var row = new ArrayBufferWriter<byte>();
        AclRow.Write(AclText.Parse(Full), row);
        Assert.Equal(
            "0107050600000200" + "e803000004" + "0100000002" + "6400000001", Convert.ToHexStringLower(row.WrittenSpan));
        Assert.Equal(Full, AclText.Text(AclRow.Read(row.WrittenSpan)));
        row.ResetWrittenCount();
        AclRow.Write(AclText.Parse("u::rw-,g::r--,o::r--"), row);
        Assert.Equal("010604ff04000000", Convert.ToHexStringLower(row.WrittenSpan));
        Assert.True(AclRow.Read(row.WrittenSpan).IsMinimal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("02070506000000")]
    [InlineData("0207050600000000")]
    [InlineData("0108050600000000")]
    [InlineData("0107050800000000")]
    [InlineData("0107050600010000")]
    [InlineData("0107050600000100")]
    [InlineData("01070506000001000102030408")]
    [InlineData("010705ff00000100e803000004")]
    [InlineData("0107050600000100e8030000")]
    public void What_is_no_row(string hex) =>
        Assert.Throws<RowFormatException>(() => AclRow.Read(Convert.FromHexString(hex)));

    [Theory]
    [InlineData("", FsStatus.Invalid)]
    [InlineData("020000", FsStatus.Invalid)]
    [InlineData("01000000", FsStatus.NotSupported)]
    [InlineData("0200000001000600ffffff", FsStatus.Invalid)]
    [InlineData("02000000" + "01000600ffffffff", FsStatus.Invalid)]
    [InlineData("02000000" + "01000600ffffffff" + "04000400ffffffff" + "20000800ffffffff", FsStatus.Invalid)]
    [InlineData("02000000" + "01000600ffffffff" + "04000400ffffffff" + "40000000ffffffff", FsStatus.Invalid)]
    [InlineData("02000000" + "04000400ffffffff" + "01000600ffffffff" + "20000000ffffffff", FsStatus.Invalid)]
    [InlineData("02000000" + "01000600ffffffff" + "01000600ffffffff" + "04000400ffffffff" + "20000000ffffffff",
        FsStatus.Invalid)]
    public void What_is_no_list(string hex, FsStatus expected) =>
        Assert.Equal(expected, AclXattr.TryRead(Convert.FromHexString(hex), out _));

    [Theory]
    [InlineData("u::rw-,u:1:r--,g::r--,o::---")]
    [InlineData("u::rw-,u:1:r--,u:1:-w-,g::r--,m::r--,o::---")]
    [InlineData("u::rw-,g::r--,g:1:r--,g:1:-w-,m::r--,o::---")]
    [InlineData("u::rw-,u:4294967295:r--,g::r--,m::r--,o::---")]
    public void Named_ones_need_a_mask_and_stand_once(string text) =>
        Assert.Equal(FsStatus.Invalid, AclXattr.TryRead(AclText.Value(text), out _));

    [Fact]
    public void One_without_entries_is_no_list()
    {
        Assert.Equal(FsStatus.Ok, AclXattr.TryRead(Convert.FromHexString("02000000"), out var list));
        Assert.Null(list);
    }

    /// <summary>acl(5), access check algorithm.</summary>
    [Theory]
    [InlineData(50, 50, Access.Read | Access.Write | Access.Execute, true)] // The owner: no mask.
    [InlineData(1000, 60, Access.Read, true)] // Named, and the mask lets it.
    [InlineData(1000, 100, Access.Execute, false)] // Named: his groups do not count.
    [InlineData(1001, 60, Access.Write, false)] // Named, and the mask does not let it.
    [InlineData(9, 60, Access.Read, true)] // The owning group.
    [InlineData(9, 100, Access.Execute, true)] // A named group.
    [InlineData(9, 100, Access.Read, false)] // No group grants both: not the others' rights either.
    [InlineData(9, 9, Access.Read | Access.Write, true)] // Everybody else: no mask.
    public void Who_may(uint uid, uint gid, Access wanted, bool expected)
    {
        var list = AclText.Parse("u::rwx,u:1000:rw-,u:1001:-w-,g::rw-,g:100:--x,m::r-x,o::rw-");
        Assert.Equal(expected, list.Allows(Namespace.User(uid, gid), owner: 50, owningGroup: 60, wanted));
    }

    [Fact]
    public void One_of_several_groups_is_enough_if_it_grants_all()
    {
        var list = AclText.Parse("u::rwx,g::r--,g:100:-w-,g:101:rw-,m::rwx,o::---");
        Assert.False(list.Allows(Namespace.User(9, 60, 100), 50, 60, Access.Read | Access.Write));
        Assert.True(list.Allows(Namespace.User(9, 60, 101), 50, 60, Access.Read | Access.Write));
        Assert.True(list.Allows(Namespace.User(9, 9, 100), 50, 60, Access.Write));
    }
}
