using System.Runtime.Versioning;

namespace DistFS.Fuse.Tests.Kernel;

/// <summary>Ordinary programs on a mount.</summary>
[SupportedOSPlatform("linux")]
public sealed class WorkTests
{
    [Fact]
    public async Task Trees_are_copied_moved_packed_and_removed()
    {
        await using var mount = await TestMount.StartAsync();
        await Shell.RunAsync(mount.Path, """
            T=$(mktemp -d /tmp/dfs-fuse-tree-XXXX); trap 'rm -rf $T' EXIT
            mkdir -p $T/a/b/c $T/a/empty
            for i in $(seq 60); do head -c $((i * 997)) /dev/urandom > $T/a/b/f$i; done
            ln -s ../f1 $T/a/b/c/link; ln $T/a/b/f2 $T/a/hard; chmod 640 $T/a/b/f3
            touch -d @1234567890.123456789 $T/a/b/f4
            cp -a $T/a $M/a
            diff -r $T/a $M/a
            [ "$(stat -c %h $M/a/hard)" = 2 ] && [ "$(stat -c %a $M/a/b/f3)" = 640 ]
            [ "$(stat -c %.9Y $M/a/b/f4)" = 1234567890.123456789 ]
            [ "$(readlink $M/a/b/c/link)" = ../f1 ]
            tar -C $M -cf $M/all.tar a
            mkdir $M/out; tar -C $M/out -xf $M/all.tar
            diff -r $T/a $M/out/a
            mv $M/out/a $M/moved; rmdir $M/out; mv -n $M/all.tar $M/moved/b/f1 || true; [ -e $M/all.tar ]
            mv $M/all.tar $M/moved/b/f1; cmp <(tar -tf $M/moved/b/f1 | head -1) <(echo a/)
            no rmdir $M/moved
            no mkdir $M/moved
            no cat $M/none
            mkfifo $M/fifo; [ -p $M/fifo ]
            rm -r $M/moved $M/a $M/fifo
            [ -z "$(ls -A $M)" ]
            df $M | grep -q memory
            """);
        await mount.UntilAsync("nodes", n => n == "1");
        await mount.AskAsync("unmount");
        await mount.EndsWellAsync();
    }

    [Fact]
    public async Task Ten_thousand_names()
    {
        await using var mount = await TestMount.StartAsync();
        await Shell.RunAsync(mount.Path, """
            python3 - <<'P'
            import os
            m = os.environ['M']; n = 10000
            for i in range(n):
                with open(f'{m}/{i:05d}', 'wb') as f: f.write(b'%d' % i)
            assert sorted(os.listdir(m)) == [f'{i:05d}' for i in range(n)]
            assert sum(e.stat().st_size for e in os.scandir(m)) == sum(len(str(i)) for i in range(n))
            for i in range(n): os.rename(f'{m}/{i:05d}', f'{m}/r{i:05d}')
            for i in range(0, n, 97): assert open(f'{m}/r{i:05d}', 'rb').read() == b'%d' % i
            d = os.scandir(m); first = [next(d).name for _ in range(10)]
            for i in range(n): os.unlink(f'{m}/r{i:05d}')
            assert os.listdir(m) == []
            P
            """);
        await mount.UntilAsync("nodes", n => n == "1");
        await mount.AskAsync("unmount");
        await mount.EndsWellAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("direct")]
    public async Task Content_in_large_requests(string flag)
    {
        await using var mount = await TestMount.StartAsync();
        await Shell.RunAsync(mount.Path, $"""
            T=$(mktemp /tmp/dfs-fuse-data-XXXX); trap 'rm -f $T' EXIT
            head -c 67108864 /dev/urandom > $T
            dd if=$T of=$M/f bs=1M {(flag.Length > 0 ? "oflag=direct" : "")} 2>/dev/null
            dd if=$M/f bs=1M {(flag.Length > 0 ? "iflag=direct" : "")} 2>/dev/null | cmp - $T
            dd if=$T of=$M/f bs=4097 seek=3 count=100 conv=notrunc,fsync 2>/dev/null
            dd if=$T of=$T.2 bs=4097 count=100 2>/dev/null; dd if=$M/f bs=4097 skip=3 count=100 2>/dev/null | cmp - $T.2
            rm $T.2; truncate -s 1000 $M/f; [ $(stat -c %s $M/f) = 1000 ]; cmp -n 1000 $M/f $T
            truncate -s 5000 $M/f; cmp <(tail -c 4000 $M/f) <(head -c 4000 /dev/zero)
            """);
        await mount.AskAsync("unmount");
        await mount.EndsWellAsync();
    }

    [Fact]
    public async Task Mappings_attributes_and_unlinked_open_files()
    {
        await using var mount = await TestMount.StartAsync();
        await Shell.RunAsync(mount.Path, """
            python3 - <<'P'
            import errno, mmap, os
            p = os.environ['M'] + '/f'
            f = open(p, 'w+b'); f.truncate(1 << 20)
            m = mmap.mmap(f.fileno(), 1 << 20); m[5000:5005] = b'hello'; m.flush(); m.close()
            assert os.pread(f.fileno(), 5, 5000) == b'hello'
            os.setxattr(p, 'user.a', b'1\0' * 500); os.setxattr(p, 'user.b', b'')
            assert os.getxattr(p, 'user.a') == b'1\0' * 500 and sorted(os.listxattr(p)) == ['user.a', 'user.b']
            os.removexattr(p, 'user.a')
            try: os.getxattr(p, 'user.a'); assert False
            except OSError as e: assert e.errno == errno.ENODATA
            os.unlink(p); assert os.fstat(f.fileno()).st_nlink == 0
            os.pwrite(f.fileno(), b'still', 0); assert os.pread(f.fileno(), 5, 0) == b'still'
            try: os.open(os.environ['M'] + '/x' * 1, os.O_RDONLY); assert False
            except OSError as e: assert e.errno == errno.ENOENT
            P
            """);
        await mount.AskAsync("unmount");
        await mount.EndsWellAsync();
    }

    [Fact]
    public async Task Locks_wait_wake_and_give_up()
    {
        await using var mount = await TestMount.StartAsync();
        await Shell.RunAsync(mount.Path, """
            touch $M/lock $M/order
            exec 8>$M/lock; flock 8
            no flock -n $M/lock true
            no timeout -s INT 0.3 flock $M/lock true
            ( exec 8>&-; flock $M/lock echo second >> $M/order ) & W=$!
            echo first >> $M/order
            exec 8>&-
            wait $W
            [ "$(tr '\n' ' ' < $M/order)" = "first second " ]
            """);
        Assert.StartsWith("0 0", await mount.AskAsync("inflight"), StringComparison.Ordinal);
        await mount.AskAsync("unmount");
        await mount.EndsWellAsync();
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("KILL")]
    public async Task A_read_that_is_blocked_ends_with_its_reader(string signal)
    {
        await using var mount = await TestMount.StartAsync();
        await Shell.RunAsync(mount.Path, "echo content > $M/blocked");
        using var reader = Shell.Start(mount.Path, "exec dd if=$M/blocked of=/dev/null bs=4096 iflag=direct");
        await mount.UntilAsync("blocked", n => n != "0");
        await Shell.RunAsync(mount.Path, $"kill -{signal} {reader.Id}");
        await Shell.EndAsync(reader);
        await mount.UntilAsync("interrupted", n => n == "1");
        await mount.UntilAsync("inflight", n => n == "0 0");
        await mount.AskAsync("unmount");
        await mount.EndsWellAsync();
    }

    /// <summary>
    /// linux, fuse_reverse_inval_entry: a name that is dropped (d_invalidate) takes what is mounted on it along.
    /// </summary>
    [Fact]
    public async Task A_name_that_expires_is_looked_up_again_and_what_is_mounted_on_it_stays()
    {
        await using var mount = await TestMount.StartAsync(100_000);
        await Shell.RunAsync(mount.Path, "mkdir $M/d; mount -t tmpfs none $M/d; touch $M/d/below");
        using var inside = Shell.Start(mount.Path, "mkdir $M/e; cd $M/e; echo in; read -r go; pwd -P; stat $M/d/below");
        Assert.Equal("in", await inside.StandardOutput.ReadLineAsync().WaitAsync(Shell.Limit));
        Assert.Equal("None", await mount.AskAsync("expire-name d"));
        Assert.Equal("None", await mount.AskAsync("expire-name e"));
        await inside.StandardInput.WriteLineAsync("go");
        Assert.Equal($"{mount.Path}/e", await inside.StandardOutput.ReadLineAsync().WaitAsync(Shell.Limit));
        await Shell.EndAsync(inside);
        Assert.Equal(0, inside.ExitCode);
        await Shell.RunAsync(mount.Path, "umount $M/d");
        await mount.AskAsync("unmount");
        await mount.EndsWellAsync();
    }

    [Fact]
    public async Task A_page_that_somebody_has_locked_holds_up_no_other_content()
    {
        await using var mount = await TestMount.StartAsync(100_000, "impatient");
        await Shell.RunAsync(mount.Path, "echo content > $M/blocked; echo old > $M/f; cat $M/f");
        var (blocked, file) = (await mount.AskAsync("grow blocked 10"), await mount.AskAsync("grow f 5000"));
        using var reader = Shell.Start(mount.Path, "exec cat $M/blocked");
        await mount.UntilAsync("blocked", n => n != "0");
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("True", await mount.AskAsync($"post-forget-content {blocked}"));
        }

        Assert.Equal("None", await mount.AskAsync($"forget-content {file}").WaitAsync(Shell.Limit));
        Assert.Equal("5000", (await Shell.RunAsync(mount.Path, "wc -c < $M/f")).Trim());
        Assert.Equal("9", await mount.AskAsync("queued"));
        await mount.AskAsync("unmount");
        await Shell.EndAsync(reader);
        await mount.EndsWellAsync();
    }

    [Fact]
    public async Task A_notification_drops_a_cached_attribute_and_a_cached_name()
    {
        await using var mount = await TestMount.StartAsync(100_000);
        Assert.Equal("3", (await Shell.RunAsync(mount.Path, "echo hi > $M/f; stat -c %s $M/f")).Trim());
        var node = await mount.AskAsync("grow f 12345");
        Assert.Equal("3", (await Shell.RunAsync(mount.Path, "stat -c %s $M/f")).Trim());
        Assert.Equal("None", await mount.AskAsync($"invalidate {node}"));
        Assert.Equal("12345", (await Shell.RunAsync(mount.Path, "stat -c %s $M/f")).Trim());
        Assert.Equal("None", await mount.AskAsync("invalidate 999999"));
        Assert.Equal("None", await mount.AskAsync("forget-name f"));
        Assert.Equal("None", await mount.AskAsync("forget-name nobody"));
        await Shell.RunAsync(mount.Path, "stat $M/f");
        await mount.AskAsync("unmount");
        await mount.EndsWellAsync();
    }
}
