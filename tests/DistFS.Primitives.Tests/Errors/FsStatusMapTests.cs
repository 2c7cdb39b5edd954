using System.Globalization;

namespace DistFS.Primitives.Tests.Errors;

public sealed class FsStatusMapTests
{
    /// <summary>Linux, include/uapi/asm-generic/errno-base.h and errno.h.</summary>
    private const string Linux = """
        EPERM 1 ENOENT 2 EINTR 4 EIO 5 ENXIO 6 E2BIG 7 EBADF 9 EAGAIN 11 ENOMEM 12 EACCES 13 EBUSY 16 EEXIST 17 EXDEV 18
        ENOTDIR 20 EISDIR 21 EINVAL 22 EMFILE 24 ETXTBSY 26 EFBIG 27 ENOSPC 28 ESPIPE 29 EROFS 30 EMLINK 31 ERANGE 34
        EDEADLK 35 ENAMETOOLONG 36 ENOLCK 37 ENOSYS 38 ENOTEMPTY 39 ELOOP 40 ENODATA 61 EPROTO 71 EBADMSG 74
        EOVERFLOW 75 EMSGSIZE 90 EOPNOTSUPP 95 EADDRINUSE 98 ECONNRESET 104 ENOTCONN 107 ETIMEDOUT 110
        ECONNREFUSED 111 EHOSTUNREACH 113 ESTALE 116 EDQUOT 122 ECANCELED 125 EOWNERDEAD 130
        """;

    /// <summary>
    /// macOS, bsd/sys/errno.h. ENODATA there is for streams: an attribute that is missing is ENOATTR, 93.
    /// </summary>
    private const string Mac = """
        EPERM 1 ENOENT 2 EINTR 4 EIO 5 ENXIO 6 E2BIG 7 EBADF 9 EAGAIN 35 ENOMEM 12 EACCES 13 EBUSY 16 EEXIST 17 EXDEV 18
        ENOTDIR 20 EISDIR 21 EINVAL 22 EMFILE 24 ETXTBSY 26 EFBIG 27 ENOSPC 28 ESPIPE 29 EROFS 30 EMLINK 31 ERANGE 34
        EDEADLK 11 ENAMETOOLONG 63 ENOLCK 77 ENOSYS 78 ENOTEMPTY 66 ELOOP 62 ENODATA 93 EPROTO 100 EBADMSG 94
        EOVERFLOW 84 EMSGSIZE 40 EOPNOTSUPP 102 EADDRINUSE 48 ECONNRESET 54 ENOTCONN 57 ETIMEDOUT 60
        ECONNREFUSED 61 EHOSTUNREACH 65 ESTALE 70 EDQUOT 69 ECANCELED 89 EOWNERDEAD 105
        """;

    public static TheoryData<FsStatus> Members => [.. Enum.GetValues<FsStatus>()];

    [Fact]
    public void Numbers_are_those_of_the_kernels()
    {
        var members = Enum.GetValues<FsStatus>().Where(status => status != FsStatus.Ok).ToArray();
        Assert.Equal(Table(Linux), members.ToDictionary(status => status.ToPosixName(), status => (int)status));
        Assert.Equal(Table(Mac), members.ToDictionary(status => status.ToPosixName(), status => status.ToMacErrno()));
    }

    [Theory]
    [MemberData(nameof(Members))]
    public void Every_member_has_a_row(FsStatus status)
    {
        Assert.True(FsStatusMap.IsKnown(status));
        Assert.Equal(status, FsStatusMap.FromErrno(status.ToErrno()));
        Assert.Equal(status == FsStatus.Ok, status.ToErrno() == 0);
        Assert.Equal(status == FsStatus.Ok, status.ToMacErrno() == 0);

        // MS-ERREF, section 2.3: errors have both upper bits set.
        Assert.Equal(status == FsStatus.Ok ? 0U : 3U, status.ToNtStatus() >> 30);
    }

    [Theory]
    [InlineData(FsStatus.NotFound, 0xC0000034)]
    [InlineData(FsStatus.AlreadyExists, 0xC0000035)]
    [InlineData(FsStatus.AccessDenied, 0xC0000022)]
    [InlineData(FsStatus.NotEmpty, 0xC0000101)]
    [InlineData(FsStatus.IsADirectory, 0xC00000BA)]
    [InlineData(FsStatus.NotADirectory, 0xC0000103)]
    [InlineData(FsStatus.NoSpace, 0xC000007F)]
    [InlineData(FsStatus.Corrupt, 0xC000003F)]
    [InlineData(FsStatus.TimedOut, 0xC00000B5)]
    [InlineData(FsStatus.Invalid, 0xC000000D)]
    public void Windows_has_names_for_them(FsStatus status, uint ntStatus) =>
        Assert.Equal(ntStatus, status.ToNtStatus());

    [Theory]
    [InlineData(3)]
    [InlineData(-1)]
    [InlineData(4095)]
    [InlineData(int.MaxValue)]
    public void A_number_of_somebody_else_is_an_input_or_output_error(int number)
    {
        Assert.False(FsStatusMap.IsKnown((FsStatus)number));
        Assert.Equal(FsStatus.IoError, FsStatusMap.FromErrno(number));
        Assert.Equal(5, ((FsStatus)number).ToMacErrno());
        Assert.Equal(FsStatus.IoError.ToNtStatus(), ((FsStatus)number).ToNtStatus());
        Assert.Equal(number.ToString(CultureInfo.InvariantCulture), ((FsStatus)number).ToPosixName());
    }

    private static Dictionary<string, int> Table(string text)
    {
        var words = text.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);
        return words.Chunk(2).ToDictionary(pair => pair[0], pair => int.Parse(pair[1], CultureInfo.InvariantCulture));
    }
}
