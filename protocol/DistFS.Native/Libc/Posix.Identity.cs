using System.Runtime.InteropServices;

namespace DistFS.Native;

/// <content>As whom this process runs.</content>
public static unsafe partial class Posix
{
    private const int GroupsMax = 65_536;

    /// <summary>
    /// The effective user and group of this process, and its supplementary groups (POSIX, geteuid, getegid,
    /// getgroups). Linux and macOS.
    /// </summary>
    public static (uint User, uint Group, uint[] Groups) Identity()
    {
        RequireUnix("geteuid");
        var count = Libc.Groups(0, null);
        if (count is < 0 or > GroupsMax)
        {
            throw Failed("getgroups", null, Marshal.GetLastPInvokeError());
        }

        var groups = new uint[count];
        fixed (uint* to = groups)
        {
            if (count > 0 && (count = Libc.Groups(count, to)) < 0)
            {
                throw Failed("getgroups", null, Marshal.GetLastPInvokeError());
            }
        }

        return (Libc.EffectiveUser(), Libc.EffectiveGroup(), groups[..count]);
    }

    /// <summary>
    /// The permission bits that new files of this process do not get (POSIX, umask). It can only be read by setting it:
    /// to be called while no other thread makes files. Linux and macOS.
    /// </summary>
    public static uint CurrentUmask()
    {
        RequireUnix("umask");
        const uint Careful = 0b000_111_111;
        var mask = Libc.Umask(Careful);
        _ = Libc.Umask(mask);
        return mask;
    }
}
