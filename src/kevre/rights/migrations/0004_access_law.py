from django.db import migrations, models

# By which right each line was written before the right had a name.
NAMED = """
update rights_accessrecord set basis = case
    when grant_id is not null then 'grant'
    when purpose = 'operator export' and account_id is null then 'export'
    when account_id in (select id from rights_account where is_superuser) then 'operator'
    else 'holder' end
"""


class Migration(migrations.Migration):

    dependencies = [
        ('rights', '0003_key_life'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessPurge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('count', models.PositiveIntegerField(default=0)),
                ('digest', models.CharField(default='', max_length=64)),
            ],
            options={
                'verbose_name': 'purge of the access log',
                'verbose_name_plural': 'purges of the access log',
            },
        ),
        migrations.AddField(
            model_name='accessrecord',
            name='basis',
            field=models.CharField(choices=[('grant', 'A grant'), ('holder', "It is the reader's own"), ('operator', 'Operation of the node'), ('export', "Export by the node's command")], default='grant', max_length=8),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='accessrecord',
            name='digest',
            field=models.CharField(default='', editable=False, max_length=64),
        ),
        migrations.RunSQL(NAMED, migrations.RunSQL.noop),
    ]
