using System.Diagnostics;

namespace DistFS.Posix.Tests;

/// <summary>
/// Real file systems whose deviations are known: the suite must find these and no others. ext4 with inodes of 128 bytes
/// keeps no nanoseconds, with `bsdgroups` it gives what is made the group of its directory, without extents it
/// allocates
/// nothing in advance.
/// </summary>
public sealed class DeviatingFileSystemTests : IDisposable
{
    private readonly Scratch _scratch = new();

    [Fact]
    public void OnASoundExt4WithTwoMountsEverythingPasses() =>
        WithExt4("-I 256", "acl,user_xattr", mount =>
        {
            // A bind mount is another mount of the same file system: names cannot be linked or renamed across.
            var second = Directory.CreateDirectory(Path.Combine(_scratch.Path, "second")).FullName;
            Assert.Equal(0, Execute("mount", $"--bind {mount} {second}"));
            try
            {
                var report = Scratch.Run(Options(mount) with { SecondDirectory = second, RequireAll = true });
                Assert.True(report.ExitCode == 0, Scratch.Text(report));
            }
            finally
            {
                Assert.Equal(0, Execute("umount", second));
            }
        });

    [Fact]
    public void WithoutNanosecondsTheTimesFail() =>
        WithExt4("-I 128", "acl,user_xattr", mount =>
        {
            var report = Scratch.Run(Options(mount) with { Only = ["Times.", "Nlink.", "Symlink.TargetsAreKept"] });
            var failed = report.Results.Where(r => r.HasFailed).Select(r => r.FullName);
            Assert.Equal(
                ["Times.StampsAreKept", "Times.OmitAndNow", "Times.DescriptorsAndLinks"], failed);
        });

    [Fact]
    public void WithTheGroupOfTheDirectoryTheGroupsFail() =>
        WithExt4("-I 256", "bsdgroups", mount =>
        {
            var report = Scratch.Run(Options(mount) with { Only = ["Setgid", "Permission", "Mkdir", "Symlink"] });
            var failed = report.Results.Where(r => r.HasFailed).Select(r => r.FullName).ToList();
            Assert.Contains("Setgid.WithoutTheBitTheCallersGroup", failed);
            Assert.Contains("Mkdir.WithoutWritePermissionIsEacces", failed);
            Assert.DoesNotContain(failed, f => f.StartsWith("Permission.", StringComparison.Ordinal));
        });

    /// <summary>Without extents ext4 cannot allocate in advance, and says so: that is no failure.</summary>
    [Fact]
    public void WhatTheFileSystemLacksIsNotRun() =>
        WithExt4("-O ^extent,^64bit,^flex_bg,^metadata_csum -I 256", "acl", mount =>
        {
            var report = Scratch.Run(Options(mount) with { Only = ["Fallocate.Allocates", "Fallocate.KeepSize"] });
            Assert.True(report is { Failed: 0, Passed: 0, NotRun: 2, ExitCode: 1 }, Scratch.Text(report));
            Assert.All(report.Results, r => Assert.Contains("EOPNOTSUPP", r.NotRun));
        });

    public void Dispose() => _scratch.Dispose();

    private SuiteOptions Options(string mount) =>
        _scratch.Options() with { Directory = mount, SecondDirectory = mount };

    /// <summary>
    /// A file system of its own in a file; only root can mount one, so others see that it is refused.
    /// </summary>
    private void WithExt4(string make, string options, Action<string> act)
    {
        var mount = Path.Combine(_scratch.Path, "mount");
        var image = Path.Combine(_scratch.Path, "image");
        using (var file = File.Create(image))
        {
            file.SetLength(512L << 20);
        }

        Assert.Equal(0, Execute("mkfs.ext4", $"-q -F {make} {image}"));
        Directory.CreateDirectory(mount);
        var mounted = Execute("mount", $"-o loop,{options} {image} {mount}");
        if (!Scratch.IsRoot)
        {
            Assert.NotEqual(0, mounted);
            return;
        }

        Assert.Equal(0, mounted);
        Assert.Equal(0, Execute("chmod", $"755 {mount}"));
        try
        {
            act(mount);
        }
        finally
        {
            Assert.Equal(0, Execute("umount", mount));
        }
    }

    private static int Execute(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
