namespace DistFS.Posix.Checks;

/// <summary>flock(2), record locks of processes (fcntl(2) F_SETLK) and of open files (F_OFD_SETLK).</summary>
public static class LockChecks
{
    [Check("flock(2): shared with shared, exclusive with none; between open files, also of one process")]
    public static void WholeFileLocksExclude(CheckContext c)
    {
        c.Create("f");
        var (a, b) = (c.Open(c.At("f"), O_RDWR), c.Open(c.Second("f"), O_RDWR));
        c.Ok(FLock(a, LOCK_SH | LOCK_NB));
        c.Ok(FLock(b, LOCK_SH | LOCK_NB));
        c.Fails(EAGAIN, FLock(b, LOCK_EX | LOCK_NB));
        c.Ok(FLock(a, LOCK_UN));
        c.Ok(FLock(b, LOCK_EX | LOCK_NB));
        c.Fails(EAGAIN, FLock(a, LOCK_SH | LOCK_NB));
        c.Fails(EAGAIN, FLock(a, LOCK_EX | LOCK_NB));
        c.Ok(FLock(b, LOCK_SH | LOCK_NB), "down");
        c.Ok(FLock(a, LOCK_SH | LOCK_NB));
        c.Fails(EINVAL, FLock(a, 0));
        c.Fails(EBADF, FLock(9999, LOCK_SH));
    }

    [Check("flock(2): released by the last close of the open file, not by a duplicate's")]
    public static void WholeFileLocksGoWithTheOpenFile(CheckContext c)
    {
        c.Create("f");
        var a = c.Open(c.At("f"), O_RDONLY);
        var b = c.Open(c.Second("f"), O_RDONLY);
        var duplicate = c.Keep((int)c.Ok(Dup(a)));
        c.Ok(FLock(a, LOCK_EX | LOCK_NB));
        c.Close(duplicate);
        c.Fails(EAGAIN, FLock(b, LOCK_SH | LOCK_NB));
        duplicate = c.Keep((int)c.Ok(Dup(a)));
        c.Close(a);
        c.Fails(EAGAIN, FLock(b, LOCK_SH | LOCK_NB));
        c.Close(duplicate);
        c.Ok(FLock(b, LOCK_EX | LOCK_NB));
    }

    [Check("flock(2): a waiter blocks until the lock is released, then has it")]
    public static void WholeFileLocksAreWaitedFor(CheckContext c)
    {
        c.Create("f");
        var (a, b) = (c.Open(c.At("f"), O_RDWR), c.Open(c.Second("f"), O_RDWR));
        c.Ok(FLock(a, LOCK_EX));
        var waiter = CheckContext.Start(() => FLock(b, LOCK_EX));
        c.StillBlocked(waiter, "flock(LOCK_EX)");
        c.Ok(FLock(a, LOCK_UN));
        c.Ok(c.Await(waiter, "flock after the release"));
        c.Fails(EAGAIN, FLock(a, LOCK_SH | LOCK_NB));
    }

    [Check("flock(2): a killed process lets go")]
    public static void AKilledProcessLetsGoOfFlock(CheckContext c)
    {
        c.Create("f");
        var peer = c.Keep(Peer.Start());
        var remote = (int)c.Ok(peer.Open(c.Second("f"), O_RDWR));
        c.Ok(peer.FLock(remote, LOCK_EX | LOCK_NB));
        var fd = c.Open(c.At("f"), O_RDWR);
        c.Fails(EAGAIN, FLock(fd, LOCK_EX | LOCK_NB));
        var waiter = CheckContext.Start(() => FLock(fd, LOCK_EX));
        c.StillBlocked(waiter, "flock(LOCK_EX)");
        peer.Kill();
        c.Ok(c.Await(waiter, "flock after the kill", 25));
    }

    [Check("POSIX fcntl F_SETLK: readers share, writers exclude, by ranges of bytes, between processes")]
    public static void RangesOfProcessesExclude(CheckContext c)
    {
        c.Create("f", new string('x', 100));
        var peer = c.Keep(Peer.Start());
        var remote = (int)c.Ok(peer.Open(c.Second("f"), O_RDWR));
        var fd = c.Open(c.At("f"), O_RDWR);
        c.Ok(Lock(fd, F_SETLK, F_WRLCK, 10, 10));
        foreach (var (type, start, length, expected) in (ReadOnlySpan<(int, long, long, Errno)>)
            [
                (F_WRLCK, 0, 10, OK), (F_WRLCK, 20, 10, OK), (F_WRLCK, 9, 2, EAGAIN), (F_RDLCK, 19, 1, EAGAIN),
                (F_RDLCK, 0, 0, EAGAIN), (F_WRLCK, 15, 100, EAGAIN), (F_RDLCK, 20, 0, OK), (F_WRLCK, 1000, 1, OK),
            ])
        {
            c.Ends(expected, peer.Lock(remote, F_SETLK, type, start, length), $"{type} {start}+{length}");
            peer.Lock(remote, F_SETLK, F_UNLCK, start, length);
        }

        c.Ok(Lock(fd, F_SETLK, F_RDLCK, 10, 10));
        c.Ok(peer.Lock(remote, F_SETLK, F_RDLCK, 0, 100));
        c.Fails(EAGAIN, Lock(fd, F_SETLK, F_WRLCK, 10, 10), "others read");
        c.Ok(Lock(fd, F_SETLK, F_UNLCK, 12, 2));
        c.Ok(peer.Lock(remote, F_SETLK, F_WRLCK, 12, 2), "a lock is split");
        c.Fails(EAGAIN, peer.Lock(remote, F_SETLK, F_WRLCK, 11, 1));
        c.Fails(EAGAIN, peer.Lock(remote, F_SETLK, F_WRLCK, 14, 1));
    }

    [Check("POSIX fcntl F_GETLK: says who holds what, or that nobody does")]
    public static void GetLockTells(CheckContext c)
    {
        c.Create("f");
        var peer = c.Keep(Peer.Start());
        var remote = (int)c.Ok(peer.Open(c.At("f"), O_RDWR));
        c.Ok(peer.Lock(remote, F_SETLK, F_WRLCK, 10, 5));
        var fd = c.Open(c.At("f"), O_RDWR);
        var range = new FileLock { Type = F_RDLCK, Start = 0, Length = 100 };
        c.Ok(FCntl(fd, F_GETLK, ref range));
        c.Equal((F_WRLCK, 10L, 5L), (range.Type, range.Start, range.Length));
        c.True(range.Pid > 0, "a process id");
        range = new FileLock { Type = F_WRLCK, Start = 20, Length = 1 };
        c.Ok(FCntl(fd, F_GETLK, ref range));
        c.Equal(F_UNLCK, range.Type);
    }

    [Check("POSIX fcntl F_SETLKW: a waiter blocks until the range is free; a kill frees it")]
    public static void RangesAreWaitedFor(CheckContext c)
    {
        c.Create("f");
        var peer = c.Keep(Peer.Start());
        var remote = (int)c.Ok(peer.Open(c.Second("f"), O_RDWR));
        var fd = c.Open(c.At("f"), O_RDWR);
        c.Ok(Lock(fd, F_SETLK, F_WRLCK, 0, 10));
        peer.Send("fcntl", remote, F_SETLKW, F_WRLCK, 5, 10);
        var waiter = CheckContext.Start(peer.Receive);
        c.StillBlocked(waiter, "F_SETLKW");
        c.Ok(Lock(fd, F_SETLK, F_UNLCK, 0, 10));
        c.Ok(c.Await(waiter, "F_SETLKW after the release"));
        c.Fails(EAGAIN, Lock(fd, F_SETLK, F_RDLCK, 14, 1));
        var own = CheckContext.Start(() => Lock(fd, F_SETLKW, F_RDLCK, 0, 0));
        c.StillBlocked(own, "F_SETLKW of everything");
        peer.Kill();
        c.Ok(c.Await(own, "F_SETLKW after the kill", 25));
    }

    [Check("POSIX fcntl: closing any descriptor of the file releases all locks of the process")]
    public static void AnyCloseReleasesTheProcessesLocks(CheckContext c)
    {
        c.Create("f");
        var peer = c.Keep(Peer.Start());
        var first = (int)c.Ok(peer.Open(c.At("f"), O_RDWR));
        var second = (int)c.Ok(peer.Open(c.At("f"), O_RDONLY));
        c.Ok(peer.Lock(first, F_SETLK, F_WRLCK, 0, 0));
        var fd = c.Open(c.At("f"), O_RDWR);
        c.Fails(EAGAIN, Lock(fd, F_SETLK, F_WRLCK, 0, 1));
        c.Ok(peer.Close(second));
        c.Ok(Lock(fd, F_SETLK, F_WRLCK, 0, 1));
    }

    /// <summary>Who looks for deadlocks finds one at once.</summary>
    private const int DetectionMs = 5_000;

    [Check("POSIX fcntl [EDEADLK]: two processes that wait for each other")]
    public static void ADeadlockIsEdeadlk(CheckContext c)
    {
        c.Create("f");
        var peer = c.Keep(Peer.Start());
        var remote = (int)c.Ok(peer.Open(c.At("f"), O_RDWR));
        var fd = c.Open(c.At("f"), O_RDWR);
        c.Ok(Lock(fd, F_SETLK, F_WRLCK, 0, 1));
        c.Ok(peer.Lock(remote, F_SETLK, F_WRLCK, 1, 1));
        peer.Send("fcntl", remote, F_SETLKW, F_WRLCK, 0, 1);
        var waiter = CheckContext.Start(peer.Receive);
        c.StillBlocked(waiter, "the peer's F_SETLKW");
        var own = CheckContext.Start(() => Lock(fd, F_SETLKW, F_WRLCK, 1, 1));
        if (!own.Wait(DetectionMs))
        {
            c.Ok(Lock(fd, F_SETLK, F_UNLCK, 0, 1));
            c.Ok(c.Await(waiter, "the peer after the release"));
            c.Ok(peer.Lock(remote, F_SETLK, F_UNLCK, 0, 0));
            c.Ok(c.Await(own, "F_SETLKW after the peer's release"));
            CheckContext.NotRun("EDEADLK: deadlocks are not detected, which POSIX leaves open (fcntl, \"may fail\")");
        }

        c.Fails(EDEADLK, c.Await(own, "F_SETLKW that closes the circle"));
        c.Ok(Lock(fd, F_SETLK, F_UNLCK, 0, 1));
        c.Ok(c.Await(waiter, "the peer after the release"));
    }

    [Check("POSIX fcntl [EBADF]: a read lock needs a readable descriptor, a write lock a writable one; [EINVAL]")]
    public static void LocksNeedTheAccessMode(CheckContext c)
    {
        c.Create("f");
        c.Fails(EBADF, Lock(c.Open(c.At("f"), O_RDONLY), F_SETLK, F_WRLCK, 0, 1));
        c.Fails(EBADF, Lock(c.Open(c.At("f"), O_WRONLY), F_SETLK, F_RDLCK, 0, 1));
        c.Fails(EINVAL, Lock(c.Open(c.At("f"), O_RDWR), F_SETLK, F_WRLCK, -1, 1));
        c.Fails(EINVAL, Lock(c.Open(c.At("f"), O_RDWR), F_SETLK, 99, 0, 1));
        c.Ok(Lock(c.Open(c.At("f"), O_RDWR), F_SETLK, F_WRLCK, 10, -5));
    }

    [Check("fcntl(2) F_OFD_SETLK: locks of open files exclude each other within one process")]
    public static void OpenFileLocksExclude(CheckContext c)
    {
        c.Create("f");
        var (a, b) = (c.Open(c.At("f"), O_RDWR), c.Open(c.Second("f"), O_RDWR));
        c.Ok(Lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
        c.Fails(EAGAIN, Lock(b, F_OFD_SETLK, F_RDLCK, 9, 1));
        c.Ok(Lock(b, F_OFD_SETLK, F_WRLCK, 10, 1));
        c.Fails(EAGAIN, Lock(a, F_OFD_SETLK, F_WRLCK, 0, 0));
        var duplicate = c.Keep((int)c.Ok(Dup(a)));
        c.Ok(Lock(duplicate, F_OFD_SETLK, F_WRLCK, 0, 5), "the same open file");
    }

    [Check("fcntl(2) F_OFD_SETLKW: waits; released by the last close of its open file and no other")]
    public static void OpenFileLocksGoWithTheOpenFile(CheckContext c)
    {
        c.Create("f");
        var (a, b, other) = (c.Open(c.At("f"), O_RDWR), c.Open(c.Second("f"), O_RDWR), c.Open(c.At("f"), O_RDWR));
        c.Ok(Lock(a, F_OFD_SETLK, F_WRLCK, 0, 0));
        c.Close(other);
        c.Fails(EAGAIN, Lock(b, F_OFD_SETLK, F_WRLCK, 0, 0));
        var waiter = CheckContext.Start(() => Lock(b, F_OFD_SETLKW, F_WRLCK, 0, 0));
        c.StillBlocked(waiter, "F_OFD_SETLKW");
        c.Close(a);
        c.Ok(c.Await(waiter, "F_OFD_SETLKW after the close"));
    }

    private static Outcome Lock(int fd, int command, int type, long start, long length)
    {
        var range = new FileLock { Type = (short)type, Whence = SEEK_SET, Start = start, Length = length };
        return FCntl(fd, command, ref range);
    }
}
