/** A real nginx that reads PROXY protocol headers, and answers with what they say. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cleanUp } from '../fixtures/clean-up.ts'
import { delay } from '../fixtures/delay.ts'
import { freePort, refusesTcp } from '../server/fixtures.ts'

export async function startNginx (): Promise<{ port: number } | undefined> {
  if (spawnSync('nginx', ['-v']).status !== 0) {
    return
  }

  const folder = await mkdtemp(join(tmpdir(), 'nginx-'))
  const port = await freePort()
  await writeFile(join(folder, 'nginx.conf'), `
    daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1; master_process off;
    events {}
    http {
      access_log off;
      client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      server {
        listen 127.0.0.1:${port} proxy_protocol;
        location / { return 200 "$proxy_protocol_addr:$proxy_protocol_port"; }
      }
    }`)
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  cleanUp(async () => {
    child.kill()
    await new Promise(resolve => child.once('exit', resolve))
    await rm(folder, { recursive: true })
  })

  while (await refusesTcp(port)) {
    await delay(10)
  }

  return { port }
}
