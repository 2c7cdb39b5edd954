using System.Runtime.ExceptionServices;

namespace DistFS.Posix.Running;

/// <summary>Whose rights a piece of a check runs with.</summary>
/// <param name="Groups">Supplementary groups.</param>
public sealed record User(uint Uid, uint Gid, params uint[] Groups)
{
    /// <summary>Three users that share nothing; no account needs to exist for them.</summary>
    public static User Alice { get; } = new(70001, 70001);

    public static User Bob { get; } = new(70002, 70002);

    public static User Carol { get; } = new(70003, 70003);

    /// <summary>Bob, who is also in Alice's group.</summary>
    public static User BobInAlicesGroup { get; } = new(70002, 70002, 70001);

    /// <summary>
    /// Runs on a thread of its own that takes the user's ids by the raw system calls, which change one thread (the C
    /// library's change all), and with them loses root's capabilities. The thread ends with the work, so that no other
    /// ever runs with these rights.
    /// </summary>
    public void Run(Action action)
    {
        if (Planted.Is(Fault.UsersIgnored))
        {
            action();
            return;
        }

        OnOwnThread(() =>
        {
            Become();
            action();
        });
    }

    /// <summary>With a mask of permissions and a working directory that only the work sees.</summary>
    public static void WithOwnMask(int mask, Action action) => OnOwnThread(() =>
    {
        var unshared = UnshareFs();
        if (!unshared.IsOk)
        {
            throw new CheckNotRunException($"unshare(CLONE_FS): {unshared.Error}");
        }

        UMask(mask);
        action();
    });

    private static void OnOwnThread(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        { IsBackground = true };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    private unsafe void Become()
    {
        fixed (uint* groups = Groups)
        {
            Require(Libc.SysCall(SYS_setgroups, Groups.Length, (nint)groups, 0), "setgroups");
        }

        Require(Libc.SysCall(SYS_setresgid, (nint)Gid, (nint)Gid, (nint)Gid), "setresgid");
        Require(Libc.SysCall(SYS_setresuid, (nint)Uid, (nint)Uid, (nint)Uid), "setresuid");
    }

    private static void Require(nint result, string call)
    {
        if (result != 0)
        {
            throw new CheckNotRunException($"{call}: this process cannot act as another user");
        }
    }
}
